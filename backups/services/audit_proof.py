"""Whether the audit trail is what was written: its chain, its guards, and its head outside the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from backups.database import audit_chain
from backups.database.audit_chain import Link
from backups.database.connection import connected
from backups.errors import StorageFailure
from backups.findings import Finding, Severity
from backups.models import AuditEvent
from backups.services import audit_head, auditing
from backups.services.audit_head import Head
from backups.wording import Sentence, _, ngettext

ACTION = "audit.chain"
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
    """Read the whole trail, at one instant. Raises DatabaseFailure, StorageFailure."""
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
