"""The option by which a command is given private keys: files, or the standard input; never the key itself,
which every account of the machine could read among the arguments."""

import contextlib
import getpass
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backups.artifact import age_keys
from backups.artifact.passphrase import Passphrase
from backups.errors import ArtifactError
from backups.services import key_requests, keyring, recovery_kit
from backups.services.keyring import Key
from backups.wording import _


def add_identity(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="FILE",
        help="the private key that opens an encrypted backup: the file of age-keygen, or a recovery kit"
        " that holds keys; - reads it from the standard input. May be given more than once",
    )
    parser.add_argument(
        "--passphrase",
        action="store_true",
        help="ask for the passphrase that the backup was made with; without a terminal it is the first line"
        " of the standard input",
    )


def asked_passphrase(*, twice: bool = False) -> Passphrase:
    """What is typed without being shown, or the first line of the standard input where that is no terminal.

    Raises ArtifactError where two entries differ.
    """
    if not sys.stdin.isatty():
        return Passphrase(sys.stdin.readline().rstrip("\r\n"))
    typed = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("The same, again: ") != typed:
        raise ArtifactError(
            "passphrase.differs",
            _("The two passphrases differ."),
            hint=_("Type the same one twice."),
        )
    return Passphrase(typed)


def keys_of(options: dict[str, Any]) -> list[Key]:
    """The keys that were given, those in a recovery kit, and the passphrase.

    Raises ArtifactError where what was given holds no private key, or cannot be read.
    """
    found: list[Key] = []
    if options["passphrase"]:
        found.append(asked_passphrase())
    for name in options["identity"]:
        found += age_keys.identities_of(_content(name))
    if options.get("kit"):
        found += recovery_kit.read(options["kit"]).identities
    return found


def held(options: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Let the given keys open files within the block. Raises as ``identities_of``."""
    return keyring.held(keys_of(options))


def give_if_asked(run_id: str, keys: Sequence[Key]) -> None:
    """Seal the keys to a worker that asks for them."""
    if keys and (asked := key_requests.pending(run_id)) and not asked.refused:
        key_requests.give(asked, keys)


def _content(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(age_keys.MOST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(age_keys.MOST_BYTES + 1)
    except OSError as error:
        raise ArtifactError(
            "key.unreadable",
            _("The file of the private key cannot be read."),
            hint=_("Check its name, and that this account may read it."),
        ) from error
