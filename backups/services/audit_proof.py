"""Whether the audit trail is what was written: its chain, its guards, and its head outside the database."""

import datetime
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.utils import timezone

from backups import conf
from backups.database import audit_chain
from backups.database.audit_chain import Link
from backups.database.connection import connected
from backups.errors import StorageFailure
from backups.files import private
from backups.findings import Finding, Severity
from backups.logs import kind_of
from backups.models import AuditEvent
from backups.services import account_states, audit_head, auditing
from backups.services.audit_head import Head
from backups.services.auditing import Actor
from backups.wording import Sentence, _, ngettext

logger = logging.getLogger("backups")

ACTION = "audit.chain"
LOOK = "audit.verify"
# So many places are named; of the rest it is said how many there are.
NAMED = 20


@dataclass(frozen=True)
class Proof:
    """``before_chain``: of how many events, the oldest, it is only proven that they are as they were when
    the chain began. ``noted``: the head outside the database. Findings that block are of the events,
    others of what guards them."""

    events: int
    before_chain: int
    newest: Head | None
    noted: Head | None
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        return not any(finding.blocking for finding in self.findings)

    @property
    def is_guarded(self) -> bool:
        return not self.findings

    @property
    def outcome(self) -> str:
        """As the audit trail calls it."""
        if self.is_guarded:
            return "whole"
        return "whole, unguarded" if self.is_whole else "not whole"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "whole": self.is_whole,
            "guarded": self.is_guarded,
            "events": self.events,
            "before_chain": self.before_chain,
            "newest": vars(self.newest) if self.newest else None,
            "noted": vars(self.noted) if self.noted else None,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def verify() -> Proof:
    """Read the whole trail, at one instant; events that wait for their place are given it first.

    Raises DatabaseFailure, StorageFailure.
    """
    audit_head.link_waiting()
    walk, before_chain = _Walk(), _before_chain()
    unread: list[Finding] = []
    # First: what is added while we read is behind it.
    try:
        noted = audit_head.noted()
    except StorageFailure as error:
        if error.code != "audit.head":
            raise
        noted, unread = None, [_finding(error.code, error.message, error.hint)]
    with connected(purpose="audit") as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        for link in audit_chain.links(connection):
            walk.take(link, noted)
        guards = audit_chain.missing_guards(connection)
    findings = [*walk.findings(), *walk.compared(noted), *unread, *_of_guards(guards)]
    if walk.newest and not noted and not unread:
        findings.append(_unnoted())
    return Proof(walk.events, before_chain, walk.newest, noted, tuple(findings))


@dataclass(frozen=True)
class Look:
    """When the trail was verified, by whom, up to which event, and what came of it."""

    at: datetime.datetime
    by: str
    outcome: str
    number: int
    codes: tuple[str, ...]


def verify_for(actor: Actor) -> Proof:
    """``verify``, then compare accounts with what it says of them, and note outside the trail who looked: to
    a trail that may be damaged nothing is added for that. Raises as ``verify`` does."""
    proof = verify()
    if changed := account_states.compare():
        proof = replace(proof, findings=(*proof.findings, _changed_outside(len(changed))))
    codes = tuple(sorted({finding.code for finding in proof.findings}))
    number = proof.newest.number if proof.newest else 0
    by = actor.name or actor.email
    _note(Look(timezone.now(), by, proof.outcome, number, codes))
    return proof


def last_look() -> Look | None:
    """The last time that it was verified; None where it never was, or nobody can read of it any more."""
    try:
        said = json.loads(_look_file().read_bytes())
        return Look(
            at=datetime.datetime.fromisoformat(said["at"]),
            by=str(said["by"]),
            outcome=str(said["outcome"]),
            number=int(said["number"]),
            codes=tuple(map(str, said["codes"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(look: Look) -> None:
    said = asdict(look) | {"at": look.at.isoformat()}
    try:
        folder = private.make_folder(_look_file().parent)
        private.write(folder / _look_file().name, json.dumps(said).encode())
    except OSError as error:
        logger.warning("that the audit trail was verified could not be noted (%s)", kind_of(error))


def _look_file() -> Path:
    """Beside what is noted of the trail's head."""
    head = conf.audit_head_file()
    return head.with_name(head.name + ".verified")


def accept() -> None:
    """Go on from the trail as it is: that somebody did so is its newest event, with what was found.

    Triggers are put back, and what was noted outside the database is noted anew. Gaps and changes in the
    chain stay and go on being told. Raises DatabaseFailure, StorageFailure.
    """
    found = verify()
    if any(finding.code == "audit.unguarded" for finding in found.findings):
        audit_chain.put_back()
    auditing.audit(
        auditing.COMMAND_LINE,
        ACTION,
        "accepted",
        code=" ".join(sorted({finding.code for finding in found.findings})),
        count=found.events,
    )
    audit_head.note_anew()


@dataclass
class _Walk:
    """Along the chain, from its first event on."""

    events: int = 0
    newest: Head | None = None
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    hash_where_noted: str = ""

    def take(self, link: Link, noted: Head | None) -> None:
        self.events += 1
        if link.number is None or not link.hash:
            self.outside.append(f"id {link.id}")
            return
        before = self.newest or Head(0, "")
        if link.number != before.number + 1:
            self.missing.append(_span(before.number + 1, link.number - 1))
        elif link.hash != link.hash_after(before.hash):
            self.changed.append(str(link.number))
        if noted and link.number == noted.number:
            self.hash_where_noted = link.hash
        self.newest = Head(link.number, link.hash)

    def findings(self) -> Iterator[Finding]:
        if self.missing:
            message = _("Events are missing from the chain: {which}.", which=_some(self.missing))
            yield _finding("audit.gap", message, _LOOK)
        if self.changed:
            message = ngettext(
                "{n} event differs from what was written, or what stands before it does: {which}.",
                "{n} events differ from what was written, or what stands before them does: {which}.",
                len(self.changed),
                which=_some(self.changed),
            )
            yield _finding("audit.changed", message, _LOOK)
        if self.outside:
            message = ngettext(
                "{n} event has no place in the chain: {which}.",
                "{n} events have no place in the chain: {which}.",
                len(self.outside),
                which=_some(self.outside),
            )
            yield _finding("audit.unchained", message, _LOOK)

    def compared(self, noted: Head | None) -> Iterator[Finding]:
        """With what was noted outside the database."""
        if noted is None or self.hash_where_noted == noted.hash:
            return
        newest = self.newest.number if self.newest else 0
        if newest < noted.number:
            message = _(
                "The newest events are missing: {which}. They were there when the last of them was noted"
                " outside the database.",
                which=_span(newest + 1, noted.number),
            )
            yield _finding("audit.cut", message, _LOOK)
        else:
            message = _(
                "The chain is another one than that of which event {number} was noted outside the"
                " database.",
                number=noted.number,
            )
            yield _finding("audit.rewritten", message, _LOOK)


_LOOK = _(
    "Whoever owns the database's tables did this: see its own log. Compare with an earlier export of the"
    " audit trail. After an older copy of the database was put back: `manage.py audit_verify --accept`."
)


def _of_guards(names: Iterable[str]) -> Iterator[Finding]:
    if which := ", ".join(names):
        yield _finding(
            "audit.unguarded",
            _("Triggers of the audit trail are missing or switched off: {which}.", which=which),
            _("Find out who did that. `manage.py audit_verify --accept` puts them back."),
            severity=Severity.WARNING,
        )


def _unnoted() -> Finding:
    return _finding(
        "audit.unnoted",
        _(
            "Nothing was noted outside the database, so nothing tells whether newest events are missing."
        ),
        _(
            "The next event is noted in BACKUPS_AUDIT_HEAD_FILE. Find out where the former note went."
        ),
        severity=Severity.WARNING,
    )


def _changed_outside(number: int) -> Finding:
    return _finding(
        "audit.accounts",
        ngettext(
            "{n} account that may act as owner or admin was changed past the application since the last"
            " look.",
            "{n} accounts that may act as owner or admin were changed past the application since the last"
            " look.",
            number,
        ),
        _(
            "Each is an event of the trail now. Find out who has the password of the database, or what"
            " program did that; give these accounts new passwords."
        ),
        severity=Severity.WARNING,
    )


def _before_chain() -> int:
    begun = AuditEvent.objects.filter(action=ACTION, outcome="begun").order_by("id").first()
    return int(begun.details.get("count", 0)) if begun else 0


def _finding(
    code: str, message: Sentence, hint: Sentence, *, severity: Severity = Severity.ERROR
) -> Finding:
    return Finding(code, severity, message, hint, table=audit_chain.TABLE)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _some(places: list[str]) -> str:
    more = len(places) - NAMED
    return ", ".join(places[:NAMED]) + (f", and {more} more" if more > 0 else "")
