"""What the plan says of rows with counted keys, whose number may be somebody else's in another database."""

from collections.abc import Sequence

from backups.findings import Finding, Severity
from backups.wording import Sentence, _
from restore.database.identities import Identity, Pairing


def pairing_findings(table: str, identity: Identity, kept: int, refilled: int) -> list[Finding]:
    """How many rows of a table keep cells that the file leaves out, how they were found, and how many get
    new ones; nothing where the keys are not counted."""
    said = _said(identity)
    if said is None or not (identity.counted or identity.pairing is Pairing.KEY_AND_ROW):
        return []
    return [
        Finding(
            "restore.pairing",
            Severity.NOTICE,
            _(
                "{how} Of the rows of {table}, what the file leaves out is kept in {kept} and made anew in"
                " {refilled}.",
                how=said,
                kept=kept,
                refilled=refilled,
                table=table,
            ),
            _("Counted keys mean other rows in another database. Passwords can be reset by mail.")
            if identity.counted
            else _(
                "What opened a row that is another one now opens nothing any more. Make it anew."
            ),
            table=table,
            count=kept,
        )
    ]


def untold(table: str, key: Sequence[str], shared: int) -> list[Finding]:
    """``shared``: rows of the file, or of now, that share a declared key, so that nobody knows to which of
    them a kept cell belongs."""
    if not shared:
        return []
    return [
        Finding(
            "restore.duplicate",
            Severity.ERROR,
            _(
                "{n} rows of {table} cannot be told apart by {columns}, which is declared as their key and is"
                " not unique in the database: what the file leaves out cannot be given back to them.",
                n=shared,
                table=table,
                columns=", ".join(key),
            ),
            _("Give the rows a key that is unique, or restore a Complete backup."),
            table=table,
            count=shared,
        )
    ]


def numbers_of_others(table: str, counts: dict[str, int]) -> list[Finding]:
    """``counts``: by table outside the file, how many rows point to a number that is another row's then."""
    return [
        Finding(
            "restore.numbers_of_others",
            Severity.WARNING,
            _(
                "{n} rows of {outside} are not in the file and point to {table} by a number that is another"
                " row's afterwards.",
                n=count,
                outside=outside,
                table=table,
            ),
            _(
                "They stay as they are, but for those of your own account. Look through them afterwards."
            ),
            table=outside,
            count=count,
        )
        for outside, count in counts.items()
        if count
    ]


def _said(identity: Identity) -> Sentence | None:
    match identity.pairing:
        case Pairing.NOTHING:
            return _(
                "The file is of another installation, and numbers rows by counting: none is paired."
            )
        case Pairing.NAME:
            return _("Rows are paired by their natural key, not by their number.")
        case Pairing.KEY_AND_ROW:
            return _(
                "The file is of another installation: rows are paired where all of it is the same."
            )
        case Pairing.KEY_AND_NAME:
            return _("Rows are paired where number and natural key agree.")
    return (
        _("Accounts are paired where number and address or name agree.")
        if identity.agreeing
        else None
    )
