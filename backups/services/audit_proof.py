"""Whether the audit trail is what was written: its chain, its guards, and its head outside the database."""

import datetime
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
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
WHOLE, NOT_WHOLE = "whole", "not whole"
# So many places are named; of the rest it is said how many there are.
NAMED = 20
_BETWEEN_CLOCKS = 1000


@dataclass(frozen=True)
class Proof:
    """``before_chain``: of how many events, the oldest, it is only proven that they are as they were when
    the chain began. ``noted``: the head outside the database. ``reached``: up to which event it was read,
    where the time was over; None where all was. Findings that block are of the events, others of what guards
    them."""

    events: int
    before_chain: int
    newest: Head | None
    noted: Head | None
    findings: tuple[Finding, ...]
    reached: Head | None = None

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
            return WHOLE
        return "whole, unguarded" if self.is_whole else NOT_WHOLE

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "whole": self.is_whole,
            "guarded": self.is_guarded,
            "events": self.events,
            "before_chain": self.before_chain,
            "newest": vars(self.newest) if self.newest else None,
            "noted": vars(self.noted) if self.noted else None,
            "reached": vars(self.reached) if self.reached else None,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def verify(*, seconds: float = math.inf, behind: Head | None = None) -> Proof:
    """Read the whole trail, at one instant; events that wait for their place are given it first. Or what is
    ``behind`` an event that an earlier reading came to, for ``seconds`` at most: its guards and its newest
    event are looked at in any case.

    Raises DatabaseFailure, StorageFailure.
    """
    audit_head.link_waiting()
    before_chain = _before_chain()
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
        if behind and audit_chain.hash_at(connection, behind.number) != behind.hash:
            behind = None  # it is another one than it was then
        walk = _Walk(newest=behind)
        after = behind.number if behind else None
        is_all = walk.along(audit_chain.links(connection, after=after), seconds)
        found = audit_chain.newest(connection)
        newest = Head(*found) if found else None
        there = audit_chain.hash_at(connection, noted.number) if noted else ""
        guards = audit_chain.missing_guards(connection)
    findings = [*walk.findings(), *_compared(newest, noted, there), *unread, *_of_guards(guards)]
    if newest and not noted and not unread:
        findings.append(_unnoted())
    reached = None if is_all else walk.newest
    return Proof(walk.events, before_chain, newest, noted, tuple(findings), reached)


@dataclass(frozen=True)
class Look:
    """When the trail was verified, by whom, up to which event, and what came of it. ``rest``: the event
    behind which reading goes on the next time, where the time was over. ``told_at``: when its owners were
    told what was found, and ``told`` what that was."""

    at: datetime.datetime
    by: str
    outcome: str
    number: int
    codes: tuple[str, ...]
    rest: Head | None = None
    told_at: datetime.datetime | None = None
    told: tuple[str, ...] = ()


def verify_for(
    actor: Actor, *, seconds: float = math.inf, tell: Callable[[Proof], bool] | None = None
) -> Proof:
    """``verify``, then compare accounts with what it says of them, and note outside the trail who looked: to
    a trail that may be damaged nothing is added for that. With a limit of ``seconds`` it goes on where the
    look before it stopped. ``tell`` is given the proof before that is noted, and says whether it told
    anybody. Raises as ``verify`` does."""
    before = last_look()
    behind = before.rest if before and seconds < math.inf else None
    proof = verify(seconds=seconds, behind=behind)
    if changed := account_states.compare():
        proof = replace(proof, findings=(*proof.findings, _changed_outside(len(changed))))
    codes = tuple(sorted({finding.code for finding in proof.findings}))
    is_all = behind is None and proof.reached is None
    outcome, known = _with_earlier(proof.outcome, codes, None if is_all else before)
    upto = proof.reached or proof.newest
    now, number = timezone.now(), upto.number if upto else 0
    is_told = tell is not None and tell(proof)
    told_at, told = (
        (now, codes) if is_told else (before.told_at, before.told) if before else (None, ())
    )
    by = actor.name or actor.email
    _note(Look(now, by, outcome, number, known, proof.reached, told_at, told))
    return proof


def _with_earlier(
    outcome: str, codes: tuple[str, ...], before: Look | None
) -> tuple[str, tuple[str, ...]]:
    """What a look at a part says of the trail: what the looks ``before`` it found stays said until somebody
    has read all of it at once."""
    if before is None or before.outcome == WHOLE:
        return outcome, codes
    worst = outcome if outcome == NOT_WHOLE else before.outcome
    return worst, tuple(sorted({*before.codes, *codes}))


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
            rest=Head(int(rest["number"]), str(rest["hash"]))
            if (rest := said.get("rest"))
            else None,
            told_at=datetime.datetime.fromisoformat(at) if (at := said.get("told_at")) else None,
            told=tuple(map(str, said.get("told", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(look: Look) -> None:
    told_at = look.told_at.isoformat() if look.told_at else None
    said = asdict(look) | {"at": look.at.isoformat(), "told_at": told_at}
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

    def along(self, links: Iterator[Link], seconds: float) -> bool:
        """Returns whether all was read before the time was over."""
        end = time.monotonic() + seconds
        for link in links:
            self.take(link)
            if self.events % _BETWEEN_CLOCKS == 0 and time.monotonic() > end:
                return False
        return True

    def take(self, link: Link) -> None:
        self.events += 1
        if link.number is None or not link.hash:
            self.outside.append(f"id {link.id}")
            return
        before = self.newest or Head(0, "")
        if link.number != before.number + 1:
            self.missing.append(_span(before.number + 1, link.number - 1))
        elif link.hash != link.hash_after(before.hash):
            self.changed.append(str(link.number))
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


def _compared(newest: Head | None, noted: Head | None, there: str) -> Iterator[Finding]:
    """With what was noted outside the database; ``there`` is the hash that now stands where that was."""
    if noted is None or there == noted.hash:
        return
    last = newest.number if newest else 0
    if last < noted.number:
        message = _(
            "The newest events are missing: {which}. They were there when the last of them was noted"
            " outside the database.",
            which=_span(last + 1, noted.number),
        )
        yield _finding("audit.cut", message, _LOOK)
    else:
        message = _(
            "The chain is another one than that of which event {number} was noted outside the database.",
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
