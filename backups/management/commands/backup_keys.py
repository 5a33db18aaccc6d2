"""``manage.py backup_keys``: the public keys that backups are encrypted to."""

from argparse import ArgumentParser
from typing import Any

from backups.artifact import age_keys
from backups.errors import ConfigurationError
from backups.management import numbers, terminal
from backups.management.identities import add_identity, keys_of
from backups.models import Recipient
from backups.services import auditing, keyring, recipients, vault
from backups.wording import _


class Command(terminal.Documented):
    help = (
        "List, add or remove the public keys (age, X25519) that Complete backups are encrypted to, or try"
        " whether a private key opens a backup. Whoever loses the private key loses those backups:"
        " nobody else, this server included, can open them."
    )
    examples = (
        ("backup_keys", "which there are"),
        (
            'backup_keys --add age1… --name "safe at the office" --identity key.txt',
            "add one, and show by its private key that you have it",
        ),
        ("backup_keys --try 3fa94c0d11e2 --identity key.txt", "does this key open that backup?"),
        ('backup_keys --remove "safe at the office"', "encrypt to it no more"),
    )
    statuses = {terminal.UNSOUND: "with --try: it does not open it"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--add", metavar="PUBLIC-KEY", help="begins with age1: age-keygen prints it"
        )
        what.add_argument(
            "--remove", metavar="NAME", help="a key's name, fingerprint or public key"
        )
        what.add_argument(
            "--try", dest="tried", metavar="NUMBER", help="the number of a stored backup"
        )
        parser.add_argument("--name", default="", help="with --add: where its private key is kept")
        parser.add_argument(
            "--i-have-the-private-key",
            dest="promised",
            action="store_true",
            help="with --add: instead of --identity; nobody checks it then",
        )
        add_identity(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(), keyring.held(keys_of(options)):
            if options["add"]:
                self._add(options)
            elif options["remove"]:
                self._remove(options["remove"])
            elif options["tried"]:
                self._try(options["tried"])
            else:
                self._list()

    def _add(self, options: dict[str, Any]) -> None:
        public = age_keys.recipient_of(options["add"])
        given = [key for key in keyring.given() if isinstance(key, age_keys.Identity)]
        proven = recipients.is_there(public, given)
        if given and not proven:
            raise age_keys.wrong_key()
        key = recipients.add(
            public,
            options["name"],
            auditing.COMMAND_LINE,
            proven=proven,
            promised=options["promised"],
        )
        self.stdout.write(
            f"Added: {key.name}, fingerprint {age_keys.fingerprint(key.public_key)}\n"
            "  Complete backups made from now on are encrypted to it. Keep the private key in two places"
            " that are not this server:\n  without it nobody can open them. Save the recovery kit anew:"
            " manage.py recovery_kit --output FILE"
        )

    def _remove(self, name: str) -> None:
        key = _found(name)
        recipients.remove(key, auditing.COMMAND_LINE)
        left = Recipient.objects.count()
        self.stdout.write(
            f"Removed: {key.name}. Backups that were encrypted to it still need its private key.\n"
            + (f"  {left} left." if left else "  None is left: Complete backups are not encrypted.")
        )

    def _try(self, number: str) -> None:
        run = numbers.stored_backup(number)
        path = vault.path_of(run.artifact)
        if not keyring.is_encrypted(path):
            self.stdout.write("The backup is not encrypted: it needs no key.")
        elif closed := keyring.obstacle(path):
            terminal.refuse(closed, status=terminal.UNSOUND)
        else:
            self.stdout.write(f"It opens {run.scope} backup {numbers.short(run.pk)}.")

    def _list(self) -> None:
        keys = recipients.listed()
        if not keys:
            self.stdout.write(
                "There are no public keys: Complete backups are not encrypted. Make a pair of keys with"
                " age-keygen, and add the public one:\n"
                '  manage.py backup_keys --add age1… --name "safe at the office" --identity key.txt'
            )
            return
        output = terminal.Output(self, width=150)
        output.table(
            ("Name", "Fingerprint", "Public key", "Private key", "Added by"),
            [
                (
                    key.name,
                    age_keys.fingerprint(key.public_key),
                    key.public_key,
                    "shown" if key.proven else "promised",
                    key.added_by,
                )
                for key in keys
            ],
        )


def _found(name: str) -> Recipient:
    """The key that was meant. Raises ConfigurationError."""
    plain = name.replace(" ", "").lower()
    for key in recipients.listed():
        digits = age_keys.fingerprint(key.public_key).replace(" ", "")
        if name == key.name or plain in (digits, key.public_key):
            return key
    raise ConfigurationError(
        "key.unknown",
        _("There is no such key."),
        hint=_("List them with their names and fingerprints: manage.py backup_keys"),
    )
