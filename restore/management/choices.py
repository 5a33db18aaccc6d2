"""The choices of a restore as command-line options; each of them appears in the plan."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups.services import recovery_kit
from backups.services.recovery_kit import RecoveryKit
from restore.plan import CHOICE_OF, Choices, Overwritten

# How each choice is made on the command line.
OPTIONS = {
    "acting": "--as EMAIL",
    "accept_foreign": "--accept-foreign",
    "accept_altered": "--accept-altered",
    "all_accounts": "--all-accounts",
    "grant_roles": "--grant-roles EMAIL",
    "let_in": "--let-in SECTION",
    "keep_revoked": "--keep-revoked",
    "host_files": "--host-files",
    "drop_duplicates": "--drop-duplicates",
    "partial_undo": "--partial-undo",
    "without_undo": "--without-undo",
}


def add_choices(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--as",
        dest="acting",
        default="",
        metavar="EMAIL",
        help="the owner who acts; his account survives. Required for a Safe backup",
    )
    parser.add_argument(
        "--accept-foreign",
        action="store_true",
        help="take a file that another installation made or signed",
    )
    parser.add_argument(
        "--accept-altered",
        action="store_true",
        help="take a file that was reformatted or edited; it then counts as foreign",
    )
    parser.add_argument(
        "--grant-roles",
        nargs="+",
        default=[],
        metavar="EMAIL",
        help="accounts of a foreign file that get the role it gives them",
    )
    parser.add_argument(
        "--all-accounts",
        action="store_true",
        help="take a file that another installation made with all its accounts, roles, approvals and"
        " passwords as they are in it; only where there are no data yet",
    )
    parser.add_argument(
        "--let-in",
        nargs="+",
        default=[],
        metavar="SECTION",
        help="sections of a foreign Complete file that come although their rows let people in or give them"
        " rights: sessions, linked logins, tokens, memberships. The plan names them",
    )
    parser.add_argument(
        "--keep-revoked",
        action="store_true",
        help="what is revoked now stays revoked, whatever the file says",
    )
    parser.add_argument(
        "--host-files",
        action="store_true",
        help="keep the files of other servers here, and let their rows point at them",
    )
    parser.add_argument(
        "--drop-duplicates",
        action="store_true",
        help="of rows that have the same unique value, take the first of the file and leave the others out",
    )
    add_choices_of_undo(parser)


def add_kit(parser: ArgumentParser) -> None:
    """The recovery kit, which is no choice: it makes a file known, and no plan keeps it."""
    parser.add_argument(
        "--kit",
        type=Path,
        help="the recovery kit of the installation that made the file: its file, or a text file with"
        " what is printed; the backup then counts as made here",
    )


def kit_of(options: dict[str, Any]) -> RecoveryKit | None:
    """Raises BackupSystemError where the file given with --kit is no kit."""
    return recovery_kit.read(options["kit"]) if options["kit"] else None


def add_choices_of_undo(parser: ArgumentParser) -> None:
    """What becomes of the safety backup where it cannot hold everything."""
    parser.add_argument(
        "--partial-undo",
        action="store_true",
        help="go on where rows of now cannot be read; the undo lacks them, and the report lists them",
    )
    parser.add_argument(
        "--without-undo",
        action="store_true",
        help="make no safety backup: the restore cannot be undone",
    )


def remedy(code: str, hint: str) -> str:
    """What to do, with the option that makes the choice."""
    choice = CHOICE_OF.get(code)
    return f"{hint} ({OPTIONS[choice]})" if choice else hint


def choices_of(options: dict[str, Any]) -> Choices:
    return Choices(
        acting=options["acting"],
        accept_foreign=options["accept_foreign"],
        accept_altered=options["accept_altered"],
        all_accounts=options["all_accounts"],
        keep_revoked=options["keep_revoked"],
        grant_roles=tuple(options["grant_roles"]),
        let_in=tuple(options["let_in"]),
        partial_undo=options["partial_undo"],
        without_undo=options["without_undo"],
        host_files=options["host_files"],
        drop_duplicates=options["drop_duplicates"],
    )


def as_typed(choices: Choices) -> list[str]:
    """The options that make these choices, for a command that is printed."""
    typed = []
    if choices.acting:
        typed += ["--as", choices.acting]
    if choices.grant_roles:
        typed += ["--grant-roles", *choices.grant_roles]
    if choices.let_in:
        typed += ["--let-in", *choices.let_in]
    return typed + [OPTIONS[name] for name in OPTIONS if getattr(choices, name) is True]


def target_line(target: Overwritten) -> str:
    """Which database is overwritten, for whoever has two terminals open."""
    server = (
        f"{target.host}:{target.port}"
        if target.host
        else f"this machine's own server (socket, port {target.port})"
    )
    return (
        f"What a restore overwrites here: database {target.database} on {server}, installation"
        f" {target.installation}."
    )
