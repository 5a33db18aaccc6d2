"""The keys on the pages: added with a proof and the password, shown beside what they open; private ones are
read for who gave them, and forgotten."""

import io
import json
from typing import Any

import pytest
from django.urls import reverse

from backups.artifact import age, age_keys
from backups.models import AuditEvent, BackupRun, Encryption, KeyRequest, Recipient
from backups.services import installation, keyring, recovery_kit, vault
from tests.pages.conftest import PAGES, PASSWORD

MINE, OTHER = age_keys.new_identity(), age_keys.new_identity()
KEYS, KIT, FILE = (reverse(f"admin:backups_{name}") for name in ("keys", "kit", "kit_file"))


@pytest.fixture
def key(db) -> Recipient:
    return Recipient.objects.create(public_key=MINE.recipient, name="safe", proven=True)


@pytest.fixture
def encrypted(backup, key) -> BackupRun:
    """A Complete backup whose file only ``MINE`` opens."""
    told = {"public_key": key.public_key, "name": key.name, "fingerprint": "abcd 0123"}
    run = backup(
        "complete",
        encryption=Encryption.RECIPIENTS,
        encrypted_to=[told],
        stored_sha256="ab" * 32,
    )
    path = vault.path_of(run.artifact)
    content = path.read_bytes()
    with path.open("wb") as out, age.Encrypting(out, [MINE.recipient]) as sealed:
        sealed.write(content)
    return run


def text(answer) -> str:
    return answer.content.decode()


def heard(sealed: str, worker: age_keys.Identity) -> list[Any]:
    return list(keyring.heard(age_keys.unsealed(sealed, worker)))


def answer_to(page: str) -> str:
    start = page.index("-----BEGIN AGE")
    message = page[start : page.index("-----END AGE ENCRYPTED FILE-----") + 32] + "\n"
    return age_keys.unsealed(message.replace("&#x2B;", "+"), MINE).decode()


def test_a_key_is_added_by_who_opens_the_message_and_knows_the_password(owner):
    given = {"public_key": f" {MINE.recipient}\n", "name": "safe at the office"}
    first = text(owner.post(KEYS, given))
    assert not Recipient.objects.exists()
    assert age_keys.fingerprint(MINE.recipient) in first
    told = given | {"answer": answer_to(first)}
    assert "not your password" in text(owner.post(KEYS, told | {"password": "no"}))
    wrong = owner.post(KEYS, given | {"answer": "something", "password": PASSWORD})
    assert "Nobody has shown" in text(wrong)
    assert not Recipient.objects.exists()
    assert owner.post(KEYS, told | {"password": PASSWORD}).status_code == 302
    key = Recipient.objects.get()
    assert (key.name, key.proven) == ("safe at the office", True)
    assert age_keys.fingerprint(key.public_key) in text(owner.get(KEYS))
    assert AuditEvent.objects.get(action="keys.add").person_email == "owner@studio.example"


def test_who_only_says_so_is_believed_and_it_is_told(owner):
    given = {"public_key": MINE.recipient, "name": "safe", "promised": "on", "password": PASSWORD}
    owner.post(KEYS, given)
    assert not Recipient.objects.get().proven
    assert "promised, never shown" in text(owner.get(KEYS))


def test_a_private_key_is_refused_and_not_shown_again(owner):
    page = text(owner.post(KEYS, {"public_key": MINE.told(), "name": "safe"}))
    assert "private key" in page
    assert MINE.told() not in page and MINE.told().lower() not in page
    assert not Recipient.objects.exists()


def test_a_key_is_removed_after_the_password(owner, key):
    address = reverse("admin:backups_remove_key", args=[key.pk])
    assert "last key" in text(owner.get(address))
    owner.post(address, {"password": "no"})
    assert Recipient.objects.exists()
    owner.post(address, {"password": PASSWORD})
    assert not Recipient.objects.exists()
    assert AuditEvent.objects.filter(action="keys.remove", outcome="done").exists()


def test_a_backup_s_page_shows_what_opens_it_and_hands_it_out_as_it_is_stored(owner, encrypted):
    page = text(owner.get(f"{PAGES}runs/{encrypted.pk}/"))
    assert "abcd 0123" in page and "Try my key now" in page
    address = reverse("admin:backups_download", args=[encrypted.pk])
    owner.post(address, {"password": PASSWORD})
    shown = text(owner.get(address))
    assert ".json.zst.age" in shown and "file/plain" not in shown
    plain, stored = (
        owner.get(reverse("admin:backups_file", args=[encrypted.pk, form]))
        for form in ("plain", "stored")
    )
    assert plain.status_code == 302
    assert b"".join(stored.streaming_content) == vault.path_of(encrypted.artifact).read_bytes()
    assert stored["Content-Disposition"].endswith('.json.zst.age"')


def test_somebody_tries_a_key(owner, encrypted):
    address = reverse("admin:backups_try_key", args=[encrypted.pk])
    tried = {
        "Your key opens this backup": {"identity_text": MINE.told()},
        "does not open": {"identity_text": OTHER.told()},
        "public key, which opens nothing": {"identity_text": MINE.recipient},
        "Choose the file": {},
    }
    for said, given in tried.items():
        answer = owner.post(address, given)
        assert said in text(answer)
        assert "AGE-SECRET-KEY-1" + MINE.told()[16:] not in text(answer)
        assert "no-store" in answer["Cache-Control"]
    file = io.BytesIO(f"# created\n{MINE.told()}\n".encode())
    assert "opens this backup" in text(owner.post(address, {"identity_file": file}))
    outcomes = AuditEvent.objects.filter(action="keys.try").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["refused", "succeeded", "succeeded"]
    assert MINE.told() not in json.dumps([*AuditEvent.objects.values("details")])


def test_a_key_is_given_to_the_worker_that_asks_and_comes_back_to_where_it_was_asked(owner, db):
    worker = age_keys.new_identity()
    KeyRequest.objects.create(run="ab" * 16, public_key=worker.recipient)
    address = reverse("admin:backups_give_key", args=["ab" * 16])
    assert "asks" in text(owner.get(address)) or "needed" in text(owner.get(address))
    answer = owner.post(f"{address}?back=/admin/", {"identity_text": MINE.told()})
    assert answer["Location"] == "/admin/"
    sealed = KeyRequest.objects.get().sealed
    assert [key.recipient for key in heard(sealed, worker)] == [MINE.recipient]
    # Nobody asks any more.
    assert owner.get(f"{address}?back=https://elsewhere.example/").status_code == 302
    assert owner.get(f"{address}?back=//elsewhere.example/")["Location"].startswith("/admin/")


def test_whether_a_new_backup_is_encrypted_is_said_before(owner, settings):
    address = reverse("admin:backups_start_complete")
    assert "It is not encrypted" in text(owner.get(address))
    settings.BACKUPS_ENCRYPT_COMPLETE = True
    assert "must be encrypted here" in text(owner.get(address))
    owner.post(address, {"password": PASSWORD})
    assert not BackupRun.objects.exists()
    Recipient.objects.create(public_key=MINE.recipient, name="in the safe", proven=True)
    page = text(owner.get(address))
    assert "in the safe" in page and 'value="plain"' not in page
    settings.BACKUPS_ENCRYPT_COMPLETE = False
    assert 'value="plain"' in text(owner.get(address))


def test_a_passphrase_for_a_new_backup_is_typed_twice_and_sealed(owner, db):
    worker = age_keys.new_identity()
    KeyRequest.objects.create(run="ab" * 16, public_key=worker.recipient, to_make=True)
    address = reverse("admin:backups_give_key", args=["ab" * 16])
    words = "correct horse battery staple"
    for given, said in {
        (words, "another"): "differ",
        ("short", "short"): "fewer than 12",
    }.items():
        answer = text(owner.post(address, dict(zip(("passphrase", "again"), given, strict=True))))
        assert said in answer and words not in answer
    owner.post(address, {"passphrase": words, "again": words})
    sealed = KeyRequest.objects.get().sealed
    assert [key.text for key in heard(sealed, worker)] == [words]


def test_the_kit_lists_the_keys_and_takes_a_private_one_along(owner, key, settings, tmp_path):
    settings.BACKUPS_KEY_FILE = tmp_path / "installation.key"
    owner.post(KIT, {"password": PASSWORD})
    assert age_keys.fingerprint(key.public_key) in text(owner.get(KIT))
    plain = owner.get(FILE).content
    assert json.loads(plain)["public_keys"][0]["public_key"] == MINE.recipient
    assert MINE.told().encode() not in plain
    whole = owner.post(FILE, {"identity_text": MINE.told()}).content
    assert [k.recipient for k in recovery_kit.parsed(whole).identities] == [MINE.recipient]
    assert owner.post(FILE, {"identity_text": "nothing"}).status_code == 302


# The key that signs


@pytest.fixture
def key_file(settings, tmp_path):
    settings.BACKUPS_KEY_FILE = tmp_path / "installation.key"
    return settings.BACKUPS_KEY_FILE


ROTATE = reverse("admin:backups_rotate_key")


def test_the_key_of_the_installation_is_changed_after_the_password(owner, key_file):
    before = installation.seal("ab" * 32)
    assert before.key_id in text(owner.get(KEYS))
    form = {"today": before.key_id}
    assert "not your password" in text(owner.post(ROTATE, form | {"password": "no"}, follow=True))
    assert installation.name() == before.key_id
    after = owner.post(ROTATE, form | {"password": PASSWORD})
    assert (after.status_code, after["Location"]) == (302, KIT)
    assert installation.name() != before.key_id and installation.is_ours(before)
    event = AuditEvent.objects.get(action="key.rotate")
    assert (event.person_email, event.details["before"]) == ("owner@studio.example", before.key_id)


def test_a_form_that_was_sent_twice_changes_it_once(owner, key_file):
    form = {"today": installation.name(), "password": PASSWORD}
    owner.post(ROTATE, form)
    once = installation.name()
    assert "has changed since the page" in text(owner.post(ROTATE, form, follow=True))
    assert (installation.name(), len(installation.former_keys())) == (once, 1)


def test_without_the_look_it_would_twice(owner, key_file):
    """A twin."""
    name = installation.name()
    for _time in range(2):
        installation.rotate()
    assert len(installation.former_keys()) == 2 and installation.names()[-1] == name
