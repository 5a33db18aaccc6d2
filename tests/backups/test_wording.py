"""Sentences: English everywhere, and in the reader's language where somebody reads them."""

import ast
import copy
import json
import logging
import pickle
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from backups.errors import BackupSystemError, StorageFailure
from backups.models import BackupRun, State, error_values
from backups.services import runs
from backups.translating import message_and_hint, translated
from backups.wording import Sentence, _, ngettext
from tests.docs.pages import ROOT
from tests.languages import write_catalogue

APPS = ("backups", "restore", "backupsvc")
# Hands on what sentences were made of.
TRANSLATING = ROOT / "backups" / "translating.py"


def lost(n: int) -> Sentence:
    return ngettext(
        "{n} row of {table} is lost.", "{n} rows of {table} are lost.", n, table="users"
    )


@pytest.fixture
def german(tmp_path: Path, settings) -> Iterator[None]:
    """A catalogue of a few sentences, and German is what is spoken."""
    write_catalogue(
        tmp_path,
        "de",
        {
            "The disk is full.": "Die Platte ist voll.",
            "Free {size} bytes.": "Machen Sie {size} Bytes frei.",
            "{problem} (row {row})": "{problem} (Zeile {row})",
            "{n} row of {table} is lost.\0{n} rows of {table} are lost.": (
                "{n} Zeile von {table} geht verloren.\0{n} Zeilen von {table} gehen verloren."
            ),
            "Look at {place}.": "Sehen Sie nach {nowhere}.",
        },
    )
    settings.LOCALE_PATHS = [str(tmp_path)]
    with translation.override("de"):
        yield
    trans_real._translations.pop("de", None)


# English


def test_a_sentence_is_plain_english():
    said = _("The table {table} has {n} rows.", table="users", n=12345)
    assert said == "The table users has 12,345 rows."
    assert json.dumps(said) == '"The table users has 12,345 rows."'
    assert type(str(said)) is str


def test_a_number_decides_the_form():
    assert [lost(n) for n in (1, 0, 2)] == [
        "1 row of users is lost.",
        "0 rows of users are lost.",
        "2 rows of users are lost.",
    ]


def test_an_error_is_english_in_logs_whatever_language_is_spoken(german, caplog):
    error = StorageFailure(
        "storage.full", _("The disk is full."), hint=_("Free {size} bytes.", size=1)
    )
    # Not as an argument: of an error handlers that are discreet leave the code alone.
    logging.getLogger("backups").warning(str(error))
    assert "The disk is full." in caplog.text
    assert str(error) == "The disk is full."


# Remembering


@pytest.mark.parametrize(
    "said",
    [
        _("Plain."),
        _("{problem} (row {row})", problem=lost(2), row=1234),
        _("{text}", text=Sentence("An old one.")),
        lost(1),
    ],
)
def test_a_sentence_comes_back_out_of_json(said):
    back = Sentence.of(json.loads(json.dumps(said.as_plain())))
    assert back == said
    assert back.as_plain() == said.as_plain()


def test_a_sentence_survives_copying_and_pickling():
    said = _("{problem} (row {row})", problem=lost(2), row=3)
    for back in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):  # noqa: S301 - our own
        assert (back, back.as_plain()) == (said, said.as_plain())


def test_an_error_keeps_its_sentences_when_it_is_pickled():
    error = StorageFailure("storage.full", _("Full."), hint=_("Free {size} bytes.", size=5))
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert back.hint.as_plain() == error.hint.as_plain()


def test_braces_in_a_name_are_nothing_to_fill_in():
    said = _("{problem} (row {row})", problem=_("Not {name}.", name="{row} {0}"), row=3)
    assert said == "Not {row} {0}. (row 3)"
    assert translated(Sentence.of(said.as_plain())) == said


# In the reader's language


def test_a_sentence_is_shown_in_the_readers_language(german):
    said = _("{problem} (row {row})", problem=lost(1234), row=5)
    assert translated(said) == "1.234 Zeilen von users gehen verloren. (Zeile 5)"
    assert translated(lost(1)) == "1 Zeile von users geht verloren."


def test_what_has_no_translation_or_a_faulty_one_stays_english(german):
    assert translated(_("Nobody translated this.")) == "Nobody translated this."
    assert translated(_("Look at {place}.", place="home")) == "Look at home."


def test_a_text_that_is_no_sentence_stays_as_it_is(german):
    assert translated("The disk is full.") == "The disk is full."
    assert translated("") == ""


@pytest.mark.django_db
def test_a_run_that_failed_in_english_is_read_in_german(german):
    run = BackupRun.objects.create(scope="safe")
    error = StorageFailure(
        "storage.full", _("The disk is full."), hint=_("Free {size} bytes.", size=9000)
    )
    runs.fail(run, error)
    kept = BackupRun.objects.get(pk=run.pk)
    assert (kept.error_message, kept.error_hint) == ("The disk is full.", "Free 9,000 bytes.")
    assert message_and_hint(kept.error) == "Die Platte ist voll. Machen Sie 9.000 Bytes frei."


@pytest.mark.django_db
def test_a_run_of_before_there_were_languages_keeps_its_words(german):
    run = BackupRun.objects.create(
        scope="safe",
        state=State.FAILED,
        error_code="storage.full",
        error_message="The disk is full.",
        error_hint="Free space {now}.",
    )
    assert message_and_hint(run.error) == "The disk is full. Free space {now}."


def test_no_error_is_no_error():
    assert BackupRun(**error_values(None)).error is None
    assert isinstance(BackupRun(error_code="a.b").error, BackupSystemError)


# What makemessages finds


def calls(source: str) -> Iterator[tuple[list[ast.expr], set[str] | None]]:
    """The templates of each sentence, and the names that are filled in; None where a call spreads
    a dictionary."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            number = {"_": 1, "ngettext": 2}.get(node.func.id)
            names = {keyword.arg for keyword in node.keywords}
            if number:
                known = names | ({"n"} if number == 2 else set())
                yield node.args[:number], None if None in names else known


def unfinished(source: str) -> list[str]:
    """What ``makemessages`` would pass over or could not be filled in."""
    found = []
    for templates, names in calls(source):
        for template in templates:
            text = template.value if isinstance(template, ast.Constant) else None
            if not isinstance(text, str):
                found.append(f"no literal: {ast.unparse(template)}")
            elif names is not None and _makes_sentences(source) and _placeholders(text) - names:
                found.append(f"nothing to fill in: {text}")
    return found


def _placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _how in string.Formatter().parse(text) if name is not None}


def _makes_sentences(source: str) -> bool:
    return "from backups.wording import" in source


def test_every_sentence_stands_in_its_call_with_all_that_it_names():
    found = [
        f"{path.name}: {what}"
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if path != TRANSLATING
        for what in unfinished(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "_(sentence)",
        '_(f"The table {table}.")',
        'from backups.wording import _\n_("The table {table}.", tabel=name)',
        'ngettext("one", many, n)',
    ],
)
def test_a_sentence_that_nobody_would_find_or_could_fill_in_is_noticed(source):
    assert unfinished(source)
