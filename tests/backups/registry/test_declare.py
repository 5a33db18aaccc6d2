"""The two words of a ``sections`` module, and what they leave in the registry."""

from backups.registry import COMPLETE, NULL, SAFE, Omit, Registry, exclude, random_token, section
from tests.backups.registry.models import Person, Room


def test_lists_of_fields_are_one_string_separated_by_blanks():
    own = Registry()
    section(
        Person,
        key="people",
        group="Core",
        scopes={SAFE, COMPLETE},
        safe_columns="id  name\n email",
        natural_key="email",
        secret="password",
        to=own,
    )
    (declared,) = own.sections
    assert declared.safe_columns == ("id", "name", "email")
    assert (declared.natural_key, declared.secret) == (("email",), ("password",))
    assert declared.table == "studio_person"
    assert declared.in_safe
    assert declared.in_complete


def test_sections_stay_in_the_order_in_which_they_were_declared():
    own = Registry()
    section(Room, key="rooms", group="Core", scopes={COMPLETE}, to=own)
    section(Person, key="people", group="Core", scopes={COMPLETE, SAFE}, to=own)
    assert [s.key for s in own.sections] == ["rooms", "people"]
    assert [s.key for s in own.in_scope(SAFE)] == ["people"]
    assert list(own.by_key()) == ["rooms", "people"]


def test_registries_know_nothing_of_one_another():
    one, other = Registry(), Registry()
    exclude("log", because="a log", to=one)
    assert one.excluded_tables() == {"log"}
    assert other.exclusions == ()


def test_a_label_that_is_not_installed_excludes_nothing():
    own = Registry()
    exclude("nowhere.Nothing", because="not here", to=own)
    exclude("admin.LogEntry", because="the admin's log", to=own)
    assert own.excluded_tables() == {"django_admin_log"}


def test_an_omitted_cell_is_null_unless_something_makes_a_value():
    assert Omit().rule == NULL
    assert Omit().rule.is_null
    made = Omit(refill=random_token).rule
    assert (made.name, made.is_null) == ("random_token", False)


def test_random_tokens_are_long_and_never_the_same():
    tokens = {random_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}
