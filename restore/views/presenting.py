"""A plan or a report, both in their JSON form, as pages show it. Pure but for the models' names."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backups.models import Run
from backups.registry import registry, role_in_words
from backups.translating import translated
from backups.wording import Sentence
from restore.plan import Fate, Kind
from restore.services.planning import said_of_people

Plain = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """A table's rows in per cent of the widest the bar ever is: rows that stay, go and come."""

    stays: float
    goes: float
    comes: float

    @property
    def goes_at(self) -> float:
        return self.stays

    @property
    def comes_at(self) -> float:
        return self.stays + self.goes


@dataclass(frozen=True)
class TableRow:
    """One table of a plan. ``words`` is what the search box looks through."""

    title: str
    plain: Plain
    bar: Bar
    loses: bool

    @property
    def words(self) -> str:
        return f"{self.title} {self.plain['table']} {self.plain['key']}"

    @property
    def changed(self) -> int:
        """Rows that go back; a plan of an earlier version did not count them."""
        return _changed(self.plain)

    @property
    def is_empty(self) -> bool:
        return not (self.plain["now"] or self.plain["after"])


@dataclass
class Group:
    """Tables under one heading, and their sums."""

    name: str
    tables: list[TableRow] = field(default_factory=list)

    @property
    def now(self) -> int:
        return sum(row.plain["now"] for row in self.tables)

    @property
    def after(self) -> int:
        return sum(row.plain["after"] for row in self.tables)

    @property
    def lost(self) -> int:
        return sum(row.plain["lost"] for row in self.tables)

    @property
    def changed(self) -> int:
        return sum(row.changed for row in self.tables)

    @property
    def loses(self) -> bool:
        return any(row.loses for row in self.tables)


@dataclass(frozen=True)
class Sums:
    """What a plan comes to. ``now``, ``after`` and ``tables`` are of the project's tables that the file has;
    Django's own are counted apart (``framework_…``), as everywhere, and so are those that the file does not
    have (``other_…``), which are emptied or follow. What goes or changes is counted of all of them:
    ``tables_losing`` counts tables that lose rows or references, and ``tables_changing`` those of which rows
    go back to what they were."""

    now: int
    after: int
    lost: int
    changed: int
    set_null: int
    kept: int
    refilled: int
    tables: int
    framework_now: int
    framework_after: int
    framework_tables: int
    other_now: int
    other_after: int
    other_tables: int
    tables_losing: int
    tables_changing: int

    @property
    def takes(self) -> bool:
        """Whether anything that is here now would go or change."""
        return bool(self.lost or self.changed or self.set_null)


def groups(tables: Iterable[Plain]) -> list[Group]:
    """The tables in the order of the declarations; those that only follow come at their place too."""
    found: dict[str, Group] = {}
    for plain in filter(_is_listed, tables):
        name = plain["group"]
        found.setdefault(name, Group(_heading(plain))).tables.append(_row(plain))
    last = len(registry.sections)
    order = {section.group: place for place, section in reversed([*enumerate(registry.sections)])}
    return [found[name] for name in sorted(found, key=lambda name: order.get(name, last))]


def apart(tables: list[Plain]) -> Plain:
    """The tables of which something goes or changes, and the others: what ``plan.html`` unfolds and folds."""
    losing = [plain for plain in tables if _row(plain).loses]
    unharmed = [plain for plain in tables if not _row(plain).loses]
    return {
        "losing": groups(losing),
        "unharmed": groups(unharmed),
        "unharmed_count": sums(unharmed),
    }


def _heading(plain: Plain) -> str:
    """The group's name in the reader's language; as the plan has it where it is not declared today."""
    section = registry.by_table().get(plain["table"])
    known = section.group if section and section.group == plain["group"] else plain["group"]
    return translated(known) or _("Tables of Django itself")


def _is_of_project(plain: Plain) -> bool:
    section = registry.by_table().get(plain["table"])
    return section is not None and not section.framework


def _is_in_file(plain: Plain) -> bool:
    return bool(plain["fate"] == Fate.REPLACED)


def _is_listed(plain: Plain) -> bool:
    """Empty tables that no file ever has are nobody's concern."""
    return bool(plain["key"] or plain["now"] or plain["after"])


def sums(tables: list[Plain]) -> Sums:
    in_file = [table for table in tables if _is_in_file(table)]
    own = [table for table in in_file if _is_of_project(table)]
    framework = [table for table in in_file if not _is_of_project(table)]
    other = [table for table in tables if not _is_in_file(table) and _is_listed(table)]

    def total(name: str, some: list[Plain] = tables) -> int:
        return sum(table[name] for table in some)

    return Sums(
        now=total("now", own),
        after=total("after", own),
        framework_now=total("now", framework),
        framework_after=total("after", framework),
        framework_tables=len(framework),
        other_now=total("now", other),
        other_after=total("after", other),
        other_tables=len(other),
        lost=total("lost"),
        changed=sum(_changed(table) for table in tables),
        set_null=total("set_null"),
        kept=total("kept"),
        refilled=total("refilled"),
        tables=len(own),
        tables_losing=sum(bool(t["lost"] or t["set_null"]) for t in tables),
        tables_changing=sum(bool(_changed(table)) for table in tables),
    )


def worst(tables: list[Plain], *, most: int = 5) -> list[TableRow]:
    """The tables that lose the most rows, most first."""
    losing = sorted((t for t in tables if t["lost"]), key=lambda t: -int(t["lost"]))
    return [_row(table) for table in losing[:most]]


def table_of(plan: Plain, key: str) -> TableRow | None:
    """A table of the plan by its section's key."""
    return next((_row(table) for table in plan["tables"] if key and table["key"] == key), None)


def count(plain: Plain, kind: Kind) -> int:
    """How many rows of a kind a plan counted in a table."""
    return int(plain.get({Kind.RETURNING: "added"}.get(kind, kind.value), 0))


def proven(sections: dict[str, int]) -> list[tuple[str, list[tuple[str, int]]]]:
    """The rows that a test restore read back: by group and table, in the order of the declarations. A
    section that is not declared any more comes last, by its key."""
    found: dict[str, list[tuple[str, int]]] = {}
    for section in registry.sections:
        if section.key in sections:
            title = _title({"table": section.table})
            found.setdefault(translated(section.group), []).append((title, sections[section.key]))
    gone = [(key, rows) for key, rows in sections.items() if key not in registry.by_key()]
    return [*found.items(), *([(_("Tables of earlier versions"), gone)] if gone else [])]


def _row(plain: Plain) -> TableRow:
    return TableRow(_title(plain), plain, _bar(plain), _loses(plain))


def _title(plain: Plain) -> str:
    section = registry.by_table().get(plain["table"])
    if section is None:
        return str(plain["table"])
    return capfirst(str(section.model._meta.verbose_name_plural))


def most_changed(tables: list[Plain], *, most: int = 5) -> list[TableRow]:
    """The tables of which the most rows go back, most first."""
    changing = sorted((t for t in tables if _changed(t)), key=lambda t: -_changed(t))
    return [_row(table) for table in changing[:most]]


def _changed(plain: Plain) -> int:
    return int(plain.get("changed", 0))


def _loses(plain: Plain) -> bool:
    return bool(plain["lost"] or plain["set_null"] or _changed(plain))


def _bar(plain: Plain) -> Bar:
    stays = max(0, plain["now"] - plain["lost"])
    comes = max(0, plain["after"] - stays)
    whole = stays + plain["lost"] + comes
    if not whole:
        return Bar(0, 0, 0)
    goes = _visible(plain["lost"], whole)
    grows = _visible(comes, whole)
    return Bar(round(100 - goes - grows, 2), goes, grows)


def _visible(part: int, whole: int) -> float:
    """Per cent; a part that is not nothing is wide enough to be seen."""
    return round(max(2.0, 96.0 * part / whole), 2) if part else 0


SEVERITIES = ("error", "warning", "notice")


def findings(plan: Plain) -> list[Plain]:
    """The worst first, with hints in the words of the pages instead of those of the commands."""
    all_accounts = bool(plan.get("choices", {}).get("all_accounts"))
    found = [_in_words(finding, all_accounts=all_accounts) for finding in plan["findings"]]
    return sorted(found, key=lambda f: SEVERITIES.index(f["severity"]))


def serious(plan: Plain) -> list[Plain]:
    """What a person should know before anything else, but for what stands in the way: that is said on top."""
    return [finding for finding in findings(plan) if finding["severity"] == "warning"]


def remarks(plan: Plain) -> list[Plain]:
    """What is good to know."""
    return [f for f in findings(plan) if f["severity"] not in ("error", "warning")]


def _in_words(finding: Plain, *, all_accounts: bool) -> Plain:
    message, hint = (
        translated(Sentence.of(finding.get("words", {}).get(name), otherwise=finding[name]))
        for name in ("message", "hint")
    )
    return finding | {
        "message": message,
        "hint": _hint_of(finding, hint, all_accounts=all_accounts),
    }


def _hint_of(finding: Plain, hint: str, *, all_accounts: bool) -> str:
    if finding["code"] == "restore.foreign" and finding["severity"] != "error":
        if all_accounts:
            return _(
                "You took it with all its accounts. Afterwards mail and jobs are held until an owner"
                " releases them."
            )
        return _(
            "You accepted it. Nobody gets a privileged role from it whom you do not tick under"
            " “Choices”. Afterwards mail and jobs are held until an owner releases them."
        )
    return page_hint(finding["code"], hint)


def schema(plan: Plain) -> list[str]:
    """How the tables have changed since the backup, a sentence each."""
    words = plan.get("schema_words") or [{}] * len(plan["schema"])
    pairs = zip(plan["schema"], words, strict=True)
    return [translated(Sentence.of(plain, otherwise=said)) for said, plain in pairs]


def hint_of(run: Run) -> str:
    """What to do about the error that ended a run."""
    error = run.error
    return page_hint(error.code, translated(error.hint)) if error else ""


def page_hint(code: str, hint: str) -> str:
    """What to do about an error, in the words of the pages where they differ from the commands'."""
    return _page_hints().get(code, hint)


def blocking(plan: Plain) -> list[Plain]:
    return [f for f in findings(plan) if f["severity"] == "error"]


def _page_hints() -> dict[str, str]:
    return {
        "restore.foreign": _(
            "Give the recovery kit of the server that made it. Or, if you trust where the file comes from,"
            " say so under “Choices” and plan again: nobody gets a privileged role from it whom you do not"
            " tick."
        ),
        "restore.has_data": _(
            "Untick it under “Choices” and tick the roles one by one, or give the recovery kit."
        ),
        "restore.no_owner": _(
            "Tick at least one owner under “Choices” and plan again. Otherwise an owner can only be"
            " made on the server afterwards: manage.py createsuperuser."
        ),
        "restore.acting_owner": _(
            "Sign in as an owner whose account is approved and has a password, then plan again."
        ),
        "restore.acting_ambiguous": _("Let another owner sign in and restore the file."),
        "restore.access_held_back": _(
            "If you trust whoever made the file, tick it under “Choices” and plan again."
        ),
        "restore.access_needed": _(
            "Tick that table too under “Choices” and plan again, if you trust whoever made the file."
        ),
        "undo.uncovered": _(
            "Let an administrator declare, exclude or drop it; or say under “Choices” how to go on."
        ),
        "undo.unreadable": _(
            "Repair the rows, or say under “Choices” whether to go on with an undo that lacks them, or"
            " without one."
        ),
        "restore.duplicate": _(
            "Use the file as it was made. If there is no other, leave the repeated rows out under “Choices”"
            " and plan again."
        ),
        "artifact.layout": _(
            "Use the file as it was downloaded. If there is no other, and you trust who had it, take"
            " it as it is below."
        ),
        "artifact.damaged": _(
            "Use another copy of the file. If there is none, and you trust who had this one, take it"
            " as it is below."
        ),
    }


# Findings on what the safety backup could not hold.
_OF_UNDO = ("undo.uncovered", "undo.unreadable")


def lacking(plan: Plain) -> list[Plain]:
    """What the safety backup of this plan will not hold."""
    return [finding for finding in findings(plan) if finding["code"] in _OF_UNDO]


def obstructed(plan: Plain) -> bool:
    """Whether the person has something to choose about the undo, or has chosen."""
    chosen = plan["choices"].get("partial_undo") or plan["choices"].get("without_undo")
    stops = {finding["code"] for finding in plan["findings"] if finding["severity"] == "error"}
    return bool(chosen or stops & {*_OF_UNDO, "restore.disk_space"})


def lacks_of(report: Plain) -> list[Plain]:
    """What the safety backup of a restore does not hold, a table at a time; ``title`` names the table."""
    lacks = (report.get("undo") or {}).get("lacks", [])
    return [item | {"title": _title(item) or _("the schema")} for item in lacks]


def people_lost(accounts: Plain | None) -> Plain:
    """Who loses what, from a plan's accounts: ``said`` in sentences, ``rows`` by name."""
    found = accounts or {}
    rows = [
        {"email": account["email"], "what": [_loss(loss) for loss in account["losses"]]}
        for account in found.get("losing", [])
    ]
    return {"said": said_of_people.in_words(found.get("lost")), "rows": rows}


def _loss(loss: Plain) -> str:
    words = {
        ("now", "account"): _("goes (%(role)s)"),
        ("now", "role"): _("is no longer %(role)s"),
        ("now", "approval"): _("loses the approval"),
        ("now", "password"): _("loses the password"),
        ("file", "role"): _("does not become %(role)s"),
        ("file", "approval"): _("is not approved"),
        ("file", "password"): _("does not get its password"),
    }
    return words[loss["of"], loss["what"]] % {
        "role": translated(role_in_words(loss["role"] or "?"))
    }


def roles_in_file(plan: Plain) -> list[tuple[str, int]]:
    """How many accounts of each role the file has; the privileged ones first."""
    counted: Plain = plan["accounts"].get("in_file", {})
    first = {
        a["role_in_file"] for a in plan["accounts"]["named"] if a["withheld"] or a["privileged"]
    }
    return sorted(counted.items(), key=lambda item: (item[0] not in first, item[1], item[0]))


def access(plan: Plain) -> list[Plain]:
    """The tables of a foreign file whose rows let people in or give them rights; ``title`` names each."""
    return [one | {"title": _title(one)} for one in plan.get("access", [])]


def let_in(told: Plain) -> list[Plain]:
    """Those of them that come, or of a report came, as somebody ticked them."""
    return [one for one in access(told) if one["taken"]]


def held_back(told: Plain) -> list[Plain]:
    """Those of them that do not come."""
    return [one for one in access(told) if not one["taken"]]


def grantable(plan: Plain) -> list[Plain]:
    """The accounts of a foreign file whose role can be granted, or was."""
    if plan["file"]["authentic"]:
        return []
    granted = set(plan["choices"]["grant_roles"])
    return [
        account
        for account in plan["accounts"]["named"]
        if account.get("role_in_file")
        and (account["role_in_file"] != account["role"] or account["email"] in granted)
    ]
