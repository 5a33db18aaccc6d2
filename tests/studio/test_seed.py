"""The demo studio: the same for the same seed, whole, hard on whoever copies it, and no leak."""

import hashlib
from collections import Counter
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, models

from backups.registry import registry
from backupsvc.studio.demo import seeding
from backupsvc.studio.demo.files import BIG_FILE, BIG_FILE_BYTES, SERVED
from backupsvc.studio.demo.rows.people import DEMO_ACCOUNTS
from backupsvc.studio.demo.seeding import DEMO_PASSWORD, is_empty, seed_studio, steps_at
from backupsvc.studio.demo.source import files_url
from backupsvc.studio.demo.tables import TABLES
from backupsvc.studio.models import Asset, Organization, ProjectUpdate, User

SECTIONS = [s for s in registry.sections if s.model._meta.app_label == "studio"]
MODELS: list[Any] = [section.model for section in SECTIONS]
pytestmark = pytest.mark.django_db


def seed(**options):
    output = StringIO()
    call_command("seed_studio", stdout=output, **options)
    return output.getvalue()


def empty():
    for model in MODELS:
        model.objects.all()._raw_delete(using="default")


def fingerprint():
    """A digest of every cell of every table."""
    digest = hashlib.sha256()
    for model in MODELS:
        digest.update(repr(list(model.objects.order_by("pk").values_list())).encode())
    return digest.hexdigest()


def stored_files():
    """The content of each file that the demo keeps, by name."""
    return {
        f"{folder}/{name}": default_storage.open(f"{folder}/{name}").read()
        for folder in ("studio/renders", "studio/documents", "studio/cad")
        for name in default_storage.listdir(folder)[1]
    }


def locator_values():
    """Every value that a section says locates a file, with where it stands."""
    for section in SECTIONS:
        for locator in section.files:
            rows = section.model._default_manager.exclude(**dict(locator.unless))
            for value in rows.values_list(locator.field, flat=True):
                for text in _texts(value):
                    yield f"{section.key}.{locator.field}", text


def _texts(value):
    values = value if isinstance(value, list) else [value]
    return [v["url"] if isinstance(v, dict) else v for v in values if v]


def test_equal_seeds_give_equal_studios_and_others_differ():
    seed(seed=7)
    first, files = fingerprint(), stored_files()
    empty()
    seed(seed=7)
    assert fingerprint() == first
    assert stored_files() == files
    empty()
    seed(seed=8)
    assert fingerprint() != first


def test_rows_grow_with_the_scale_and_files_more_slowly():
    per_scale = sum(table.rows_per_scale for table in TABLES)
    assert per_scale == 5000
    assert [table.model for table in TABLES] == MODELS
    files = [steps_at(scale) - scale * per_scale for scale in (1, 4, 200)]
    assert files == [60, 116, 795]


def test_a_larger_studio_hangs_together_too():
    reported: Counter[str] = Counter()
    rows = seed_studio(3, 1, lambda what, done: reported.update({what: done}))
    assert rows == 15000 == sum(model.objects.count() for model in MODELS)
    assert sum(reported.values()) == steps_at(3)
    connection.check_constraints()


def test_a_studio_with_a_single_row_is_not_seeded():
    Organization.objects.create(name="Somebody's", slug="own")
    with pytest.raises(CommandError, match=r"not empty[\s\S]*HINT"):
        seed()
    assert not User.objects.exists()


def test_a_scale_below_one_is_refused():
    with pytest.raises(CommandError, match="at least 1"):
        seed(scale=0)


def test_the_big_file_is_larger_than_a_backup_embeds(monkeypatch):
    monkeypatch.setattr(seeding, "BIG_FILE_BYTES", 3_000_000)
    seed(big_file=True)
    asset = Asset.objects.get(url=BIG_FILE)
    assert asset.size == default_storage.size(BIG_FILE)
    assert default_storage.size(BIG_FILE) > 3_000_000
    assert BIG_FILE_BYTES == 50 * 1024 * 1024 + 1
    default_storage.delete(BIG_FILE)


def test_a_failed_attempt_leaves_no_row_and_the_models_as_they_were(monkeypatch):
    def fail(what, done):
        if what == "users":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed_studio(1, 1, fail)
    assert is_empty()
    assert Organization._meta.get_field("updated_at").auto_now
    assert seed()


def test_the_command_says_who_may_sign_in():
    said = seed()
    for email, role in DEMO_ACCOUNTS:
        assert f"{email} ({role})" in said
        user: Any = authenticate(username=email, password=DEMO_PASSWORD)
        assert (user.role, user.is_active) == (role, True)
    assert DEMO_PASSWORD in said


@pytest.mark.usefixtures("seeded")
class TestASeededStudio:
    def test_no_table_is_empty(self):
        counts = {model.__name__: model.objects.count() for model in MODELS}
        assert [name for name, count in counts.items() if not count] == []
        assert sum(counts.values()) == 5000

    def test_every_reference_finds_its_row(self):
        connection.check_constraints()

    def test_accounts_are_of_every_kind(self):
        assert set(User.objects.values_list("approval_status", flat=True)) == set(
            User.ApprovalStatus.values
        )
        assert User.objects.filter(password=None).exists()
        assert User.objects.filter(org=None).exists()

    def test_updates_answer_one_another_in_chains(self):
        parents = dict(ProjectUpdate.objects.values_list("pk", "parent_update_id"))
        chained = [pk for pk, parent in parents.items() if parent and parents[parent]]
        assert chained

    def test_every_column_is_filled_somewhere_and_null_where_it_may_be(self):
        fields = [(model, field) for model in MODELS for field in model._meta.local_fields]
        for model, field in fields:
            is_null = {f"{field.name}__isnull": True}
            assert model.objects.exclude(**is_null).exists(), f"{field} is empty"
            assert not field.null or model.objects.filter(**is_null).exists(), f"{field} is full"

    def test_texts_are_hard(self):
        texts = list(self.all_texts())
        assert "" in texts
        assert max(map(len, texts)) > 2000
        for part in ("\n", "\r\n", "\t", '"', "'", "\\", "ש", "😊", "\u200d", "e\u0301"):
            assert any(part in text for text in texts), repr(part)

    def all_texts(self):
        for model in MODELS:
            for field in model._meta.local_fields:
                if isinstance(field, models.TextField):
                    yield from model.objects.exclude(**{field.name: None}).values_list(
                        field.name, flat=True
                    )

    def test_arrays_are_empty_and_longer(self):
        for model in MODELS:
            for field in model._meta.local_fields:
                if isinstance(field, ArrayField):
                    lengths = set(map(len, model.objects.values_list(field.name, flat=True)))
                    assert len(lengths) > 1, (model, field)

    def test_json_has_a_null_of_its_own(self):
        log = apps.get_model("studio", "ActivityLog")
        assert log.objects.filter(details=None).exists()  # JSON's null
        assert log.objects.filter(details__isnull=True).exists()

    def test_every_file_that_a_row_names_is_there(self):
        kinds: Counter[str] = Counter()
        for where, text in locator_values():
            kinds[_kind(where, text)] += 1
        assert kinds.keys() == {"stored", "media", "remote", "asset"}

    def test_files_are_shared(self):
        urls = Counter(Asset.objects.exclude(type="LINK").values_list("url", flat=True))
        assert max(urls.values()) > 1

    def test_sizes_of_assets_are_those_of_their_files(self):
        for asset in Asset.objects.filter(url__startswith="studio/"):
            assert default_storage.size(asset.url) == asset.size

    def test_mails_messages_and_json_hold_live_secrets_as_the_application_writes_them(self):
        tokens = self.secrets_of("ClientAccessToken", "Approval")
        for name, field in (
            ("EmailLog", "html"),
            ("EmailLog", "metadata"),
            ("ClientApprovalEmailLog", "html_content"),
            ("FloorplanApprovalEmailLog", "html_content"),
            ("ChatMessage", "content"),
        ):
            values = apps.get_model("studio", name).objects.values_list(field, flat=True)
            text = "\n".join(map(repr, values))
            assert any(token in text for token in tokens), (name, field)

    def test_every_mail_of_an_approval_has_its_own_pixel(self):
        for name in ("ClientApprovalEmailLog", "FloorplanApprovalEmailLog"):
            for log in apps.get_model("studio", name).objects.all():
                assert f"/{log.tracking_pixel_id}.gif" in log.html_content

    def test_no_secret_stands_anywhere_else(self):
        pasted = {"EmailLog", "ClientApprovalEmailLog", "FloorplanApprovalEmailLog", "ChatMessage"}
        secrets = self.secrets_of(*(section.model.__name__ for section in SECTIONS))
        assert len(secrets) > 100
        others = "\n".join(self.open_texts(without=pasted))
        assert [secret for secret in secrets if secret in others] == []

    def secrets_of(self, *models):
        found = set()
        for section in SECTIONS:
            for name in section.secret if section.model.__name__ in models else ():
                values = section.model._default_manager.exclude(**{name: None})
                found |= set(values.values_list(name, flat=True))
        return found

    def open_texts(self, without):
        for section in SECTIONS:
            if section.model.__name__ in without:
                continue
            names = [
                f.name for f in section.model._meta.local_fields if f.name not in section.secret
            ]
            for row in section.model._default_manager.values_list(*names):
                yield repr(row)


def _kind(where, text):
    """How a locator is meant; fails when its file is not there."""
    if text.startswith(files_url()):
        assert SERVED.fullmatch(text.removeprefix(files_url())), where
        return "remote"
    if text.startswith(settings.MEDIA_URL):
        assert default_storage.exists(urlsplit(text).path.removeprefix(settings.MEDIA_URL)), where
        return "media"
    if Asset.objects.filter(pk=text).exists():
        return "asset"
    assert default_storage.exists(text.lstrip("/")), (where, text)
    return "stored"
