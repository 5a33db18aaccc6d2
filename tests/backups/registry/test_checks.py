"""Each rule of the registry, broken once on a registry of its own: the finding has its id and a hint."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from backups.findings import Severity
from backups.registry import (
    COMPLETE,
    NULL,
    SAFE,
    Accounts,
    Address,
    JsonAddress,
    Omit,
    Registry,
    StoragePath,
    checks,
    exclude,
    random_token,
    registry,
    section,
)
from backups.registry.checks import check_registry
from backups.registry.checks.secrets import SECRET_WORDS
from backups.registry.named_storages import are_one
from backups.registry.registry import models_with_tables
from backupsvc.studio.models import User
from tests.backups.registry.models import (
    ELSEWHERE,
    PERSON,
    Anything,
    Drawing,
    Exchanged,
    Guest,
    Person,
    Room,
    Suite,
)
from tests.backups.registry.models import Section as Plan

BOTH = {SAFE, COMPLETE}
REDACTED = {"password": Omit(refill=NULL), "door_token": Omit(refill=random_token)}
ROOM = "id name owner guest inside"


def person(to: Registry, **different: Any) -> None:
    """A declaration of Person without fault, but for what is different."""
    right: dict[str, Any] = {
        "key": "people",
        "group": "Core",
        "scopes": BOTH,
        "safe_columns": PERSON,
        "redact": REDACTED,
    }
    section(Person, to=to, **(right | different))


def room(to: Registry, **different: Any) -> None:
    right: dict[str, Any] = {"key": "rooms", "group": "Core", "scopes": BOTH, "safe_columns": ROOM}
    section(Room, to=to, **(right | different))


def found(*declarations: Callable[[Registry], None]) -> list[str]:
    """The codes that these declarations of Person and Room lead to, each finding with a hint."""
    own = Registry()
    for declare in declarations:
        declare(own)
    findings = check_registry(own, [s.model for s in own.sections])
    assert all(finding.hint and finding.message for finding in findings)
    assert all(finding.blocking == (finding.code[8] == "E") for finding in findings)
    return [finding.code for finding in findings]


def accounts(**different: Any) -> Accounts:
    right: dict[str, Any] = {
        "email": "email",
        "name": "name",
        "password": "password",
        "role": "nick",
        "owner": "OWNER",
        "privileged": (),
        "fallback_role": "GUEST",
        "active": {},
        "survives": (),
    }
    return Accounts(**(right | different))


FILES = ("file", "scan", "by_alias")
CODED = {
    "chosen": "template of the house",
    "in_memory": "gone with the process",
    "template": "code",
}


def drawing(to: Registry, *, files: Any = FILES, **different: Any) -> None:
    """A declaration of Drawing without fault, but for what is different."""
    right: dict[str, Any] = {"key": "drawings", "group": "Core", "scopes": {COMPLETE}}
    right |= {"files": [StoragePath(name) for name in files], "no_files": CODED}
    section(Drawing, to=to, **(right | different))


# Every id of the registry's rules with the declarations that break it.
BROKEN: list[tuple[str, list[Callable[[Registry], None]]]] = [
    ("backups.E002", [lambda r: person(r, safe_columns="id name email nick number")]),
    ("backups.E002", [lambda r: person(r, redact={"password": Omit()})]),
    ("backups.E003", [lambda r: person(r, safe_columns=f"{PERSON} nothing")]),
    ("backups.E003", [lambda r: person(r, redact=REDACTED | {"nothing": Omit()})]),
    ("backups.E003", [lambda r: person(r, natural_key="nothing")]),
    ("backups.E003", [lambda r: person(r, secret="password nothing")]),
    ("backups.E003", [lambda r: person(r, files=[Address("nothing")])]),
    ("backups.E003", [lambda r: person(r, files=[Address("name", unless={"nothing": "x"})])]),
    ("backups.E003", [lambda r: person(r, accounts=accounts(role="nothing"))]),
    ("backups.E003", [lambda r: person(r, accounts=accounts(survives=("nothing",)))]),
    ("backups.E003", [lambda r: person(r, revoked={"nothing": "t"})]),
    ("backups.E004", [lambda r: person(r, redact=REDACTED | {"nick": Omit()})]),
    ("backups.E004", [lambda r: person(r, safe_columns=f"{PERSON} name")]),
    ("backups.E005", [lambda r: person(r, scopes={COMPLETE}, lets_in=False), room]),
    ("backups.E006", [person, lambda r: exclude(Person, because="also", to=r)]),
    ("backups.E007", [person, lambda r: room(r, key="people")]),
    ("backups.E008", [person, lambda r: exclude("log", because=" ", to=r)]),
    ("backups.E009", [lambda r: _only_key(Guest, r)]),
    ("backups.E009", [lambda r: _only_key(Anything, r)]),
    ("backups.E009", [lambda r: _only_key(Exchanged, r)]),
    ("backups.E010", [lambda r: person(r, scopes={SAFE})]),
    ("backups.E011", [lambda r: _redacting(r, "id", Omit(refill=random_token))]),
    ("backups.E012", [lambda r: _redacting(r, "name", Omit(refill=NULL))]),
    ("backups.E012", [person, lambda r: _room_without_guest(r, Omit(refill=random_token))]),
    ("backups.E013", [lambda r: person(r, natural_key="name")]),
    ("backups.E013", [lambda r: person(r, natural_key="nick")]),
    ("backups.E013", [lambda r: _redacting(r, "email", Omit(random_token), natural_key="email")]),
    ("backups.E014", [lambda r: person(r, secret="password nick")]),
    ("backups.E015", [lambda r: person(r, files=[Address("name", storage="nowhere")])]),
    ("backups.E015", [lambda r: person(r, files=[JsonAddress("name", ids_of="studio.Nothing")])]),
    ("backups.E015", [lambda r: person(r, files=[JsonAddress("name", ids_of="Asset")])]),
    ("backups.E016", [lambda r: person(r, files=[JsonAddress("name", path="$..url")])]),
    ("backups.E003", [lambda r: drawing(r, no_files=CODED | {"nothing": "x"})]),
    ("backups.E020", [lambda r: drawing(r, files=("scan", "by_alias"))]),
    ("backups.E020", [lambda r: drawing(r, files=("file", "by_alias"))]),
    ("backups.E020", [lambda r: drawing(r, files=())]),
    ("backups.E020", [lambda r: drawing(r, no_files=CODED | {"template": " "})]),
    ("backups.E020", [lambda r: drawing(r, no_files=CODED | {"file": "also located"})]),
    ("backups.E020", [lambda r: drawing(r, no_files={"chosen": "x", "in_memory": "x"})]),
    ("backups.E020", [lambda r: drawing(r, no_files={"chosen": "x", "template": "x"})]),
    (
        "backups.E020",
        [drawing, lambda r: section(Plan, key="s", group="x", scopes={COMPLETE}, to=r)],
    ),
    ("backups.E021", [lambda r: drawing(r, files=(*FILES, "chosen"), no_files=_but("chosen"))]),
    (
        "backups.E022",
        [
            lambda r: section(
                User, to=r, key="users", group="Core", scopes={COMPLETE}, lets_in=False
            )
        ],
    ),
    (
        "backups.E021",
        [lambda r: drawing(r, files=(*FILES, "in_memory"), no_files=_but("in_memory"))],
    ),
    ("backups.W001", [lambda r: _keeping_the_token(r)]),
    ("backups.W010", [lambda r: person(r, scopes={COMPLETE}, safe_columns="", redact={})]),
    ("backups.W002", [room, lambda r: exclude(Person, because="elsewhere", to=r)]),
]
# Which function looks for what; without it the rule would be broken in silence.
RULES = {
    "backups.E002": "columns",
    "backups.E003": "unknown_names",
    "backups.E004": "columns",
    "backups.E005": "references_out",
    "backups.E006": "duplicates",
    "backups.E007": "duplicates",
    "backups.E008": "exclusions",
    "backups.E009": "has_own_table",
    "backups.E010": "scopes",
    "backups.E011": "refills",
    "backups.E012": "refills",
    "backups.E013": "refills",
    "backups.E014": "secrets",
    "backups.E015": "locators",
    "backups.E016": "locators",
    "backups.E020": "file_fields",
    "backups.E022": "nobody_s_accounts",
    "backups.E021": "file_fields",
    "backups.W001": "secrets",
    "backups.W002": "references_out",
    "backups.W010": "unsaid_secrets",
}


def _but(name: str) -> dict[str, str]:
    return {field: because for field, because in CODED.items() if field != name}


def _only_key(model: Any, to: Registry) -> None:
    section(model, key="x", group="Core", scopes={COMPLETE}, to=to)


def _redacting(to: Registry, name: str, omit: Omit, **different: Any) -> None:
    kept = " ".join(column for column in PERSON.split() if column != name)
    person(to, safe_columns=kept, redact=REDACTED | {name: omit}, **different)


def _room_without_guest(to: Registry, omit: Omit) -> None:
    room(to, safe_columns="id name owner inside", redact={"guest": omit})


def _keeping_the_token(to: Registry) -> None:
    person(to, safe_columns=f"{PERSON} door_token", redact={"password": Omit()})


def test_declarations_without_fault_have_no_findings():
    assert found(person, room, drawing) == []


@pytest.mark.parametrize(("code", "declarations"), BROKEN, ids=[code for code, _ in BROKEN])
def test_a_broken_rule_is_found_by_its_id(
    code: str, declarations: list[Callable[[Registry], None]]
):
    assert set(found(*declarations)) == {code}


@pytest.mark.parametrize(("code", "declarations"), BROKEN, ids=[code for code, _ in BROKEN])
def test_without_the_rule_nobody_would_say_so(
    code: str, declarations: list[Callable[[Registry], None]], monkeypatch: pytest.MonkeyPatch
):
    off = (lambda _: True) if RULES[code] == "has_own_table" else (lambda *_: ())
    monkeypatch.setattr(checks, RULES[code], off)
    try:
        assert code not in found(*declarations)
    except Exception as error:
        # Without the rule on names, others trip over them.
        assert code == "backups.E003", error


def test_a_model_that_nobody_decided_on_is_found():
    own = Registry()
    person(own)
    (finding,) = check_registry(own, [Person, Room])
    assert (finding.code, finding.table) == ("backups.E001", "studio_room")


def test_every_id_of_the_rules_is_broken_here_once():
    texts = {
        node.value
        for module in Path(checks.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ids = {text for text in texts if text.startswith(("backups.E", "backups.W"))}
    assert ids == {code for code, _ in BROKEN} | {"backups.E001"}


def test_all_findings_come_at_once():
    assert found(
        lambda r: person(r, safe_columns="id", secret="door_token", scopes={SAFE}),
        lambda r: room(r, key="people", safe_columns="name"),
        lambda r: exclude("log", because="", to=r),
    ) == [
        *("backups.E007", "backups.E007", "backups.E008", "backups.E010"),
        *["backups.E002"] * 5,
        *["backups.E002"] * 4,
    ]


def test_a_finding_names_its_table():
    own = Registry()
    person(own, safe_columns="id")
    assert {finding.table for finding in check_registry(own, [Person])} == {"studio_person"}


def test_the_real_registry_has_no_finding_at_all():
    assert check_registry(registry, models_with_tables()) == []


def test_taking_any_declaration_out_of_the_real_registry_is_found():
    for left_out in registry.sections:
        own = Registry()
        for kept in registry.sections:
            if kept is not left_out:
                own.add_section(kept)
        for exclusion in registry.exclusions:
            own.add_exclusion(exclusion)
        codes = {f.code for f in check_registry(own, models_with_tables()) if f.blocking}
        assert codes == {"backups.E001"}


def test_one_reference_to_itself_points_out_of_nothing():
    assert found(person, lambda r: room(r, safe_columns=ROOM)) == []


def test_a_redacted_reference_may_leave_the_scope():
    outside = [
        lambda r: person(r, scopes={COMPLETE}, safe_columns="", redact={}, lets_in=False),
        lambda r: room(r, safe_columns="id name inside", redact={"guest": Omit(), "owner": Omit()}),
    ]
    assert found(*outside) == ["backups.E012"]  # the owner, who may not be NULL


def test_fields_that_are_unique_together_make_a_natural_key():
    assert found(lambda r: person(r, natural_key="nick number")) == []
    assert found(lambda r: person(r, natural_key="email")) == []


def test_a_child_names_its_own_columns_and_not_its_parent_s():
    def suite(to: Registry, columns: str) -> None:
        section(Suite, key="suites", group="Core", scopes=BOTH, safe_columns=columns, to=to)

    assert found(person, room, lambda r: suite(r, "room_ptr stars")) == []
    assert found(person, room, lambda r: suite(r, "room_ptr stars name")) == ["backups.E003"]


def test_a_name_that_sounds_like_a_secret_is_only_a_warning():
    own = Registry()
    _keeping_the_token(own)
    (finding,) = check_registry(own, [Person])
    assert (finding.code, finding.severity) == ("backups.W001", Severity.WARNING)


def test_a_number_opens_nothing_whatever_it_is_called():
    assert "tokens_used" in PERSON
    assert found(person) == []


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("password", True),
        ("api_key", True),
        ("apikey", True),
        ("private_key", True),
        ("reset_tokens", True),
        ("hash", True),
        ("keyword", False),
        ("passwordless", False),
        ("salty", False),
    ],
)
def test_which_names_sound_like_a_secret(name: str, sounds: bool):
    assert bool(SECRET_WORDS.search(name)) is sounds


def test_a_json_locator_is_a_locator():
    assert found(lambda r: person(r, files=[JsonAddress("name", unless={"nick": "x"})])) == []


def test_the_hint_names_the_storage_as_it_can_be_declared():
    own = Registry()
    drawing(own, files=(*FILES, "chosen"), no_files=_but("chosen"))
    (finding,) = check_registry(own, [Drawing])
    assert "field:studio.Drawing.chosen" in finding.hint


def test_a_storage_made_alike_is_the_same_storage():
    alike = FileSystemStorage(location="elsewhere")
    other = FileSystemStorage(location="somewhere")
    assert are_one(ELSEWHERE, alike) and not are_one(ELSEWHERE, other)
    assert not are_one(InMemoryStorage(), ELSEWHERE)
