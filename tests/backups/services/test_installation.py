"""The installation's key: made once, private, never guessable; and whose a file is."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from backups.artifact import digest
from backups.errors import StorageFailure
from backups.services import installation

pytestmark = pytest.mark.usefixtures("folders")
DIGEST = "ab" * 32


def test_the_key_is_made_at_first_need_and_stays():
    first = installation.key()
    assert len(first) == installation.KEY_BYTES
    assert installation.key() == first


def test_the_key_is_readable_by_its_owner_alone_whatever_the_umask(folders):
    former = os.umask(0)
    try:
        installation.key()
    finally:
        os.umask(former)
    assert stat.S_IMODE(folders.key.stat().st_mode) == 0o600


def test_the_key_s_folder_is_made_private(folders, settings):
    settings.BACKUPS_KEY_FILE = folders.key.parent / "new" / "key"
    installation.key()
    assert stat.S_IMODE(settings.BACKUPS_KEY_FILE.parent.stat().st_mode) == 0o700


def test_no_draft_of_the_key_stays_behind(folders):
    installation.key()
    assert list(folders.key.parent.iterdir()) == [folders.key]


def test_many_first_starts_at_once_make_one_key():
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: installation.key(), range(64)))
    assert len(keys) == 1


def test_two_processes_that_start_at_once_make_one_key():
    program = (
        "import django; django.setup()\n"
        "from backups.services import installation; print(installation.name())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    names = {process.communicate()[0].strip() for process in started}
    assert names == {installation.name()}


def test_a_second_key_would_replace_the_first_if_it_were_renamed_into_place(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(os, "link", lambda draft, path: path.write_bytes(draft.read_bytes()))
    first = installation.key()
    installation._make(installation.conf.key_file())
    assert installation.key() != first


@pytest.mark.parametrize("content", ["", "\n", "ab", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_key_file_that_holds_no_key_is_refused(folders, content: str):
    folders.key.write_text(content)
    with pytest.raises(StorageFailure) as refused:
        installation.key()
    assert refused.value.code == "installation.key"
    assert str(folders.key) not in refused.value.message + refused.value.hint


def test_a_folder_that_cannot_be_made_is_named_by_code(folders, settings):
    folders.key.write_text("a file")
    settings.BACKUPS_KEY_FILE = folders.key / "key"
    with pytest.raises(StorageFailure) as refused:
        installation.key()
    assert refused.value.code == "installation.key"


def test_a_file_sealed_here_is_ours():
    assert installation.is_ours(installation.seal(DIGEST))


def test_any_change_of_the_signature_makes_a_file_foreign():
    seal = installation.seal(DIGEST)
    for changed in (
        {"digest": "cd" * 32},
        {"key_id": "0" * 16},
        {"hmac": seal.hmac[:-1] + ("0" if seal.hmac[-1] != "0" else "1")},
        {"hmac": ""},
        {"hmac": "\u05d0"},
    ):
        assert not installation.is_ours(msgspec.structs.replace(seal, **changed))


def test_a_file_sealed_under_another_key_is_foreign(folders):
    seal = installation.seal(DIGEST)
    folders.key.unlink()
    assert not installation.is_ours(seal)


def test_without_the_comparison_every_file_would_be_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digest, "is_signed_by", lambda *_: True)
    seal = installation.seal(DIGEST)
    assert installation.is_ours(msgspec.structs.replace(seal, digest="cd" * 32))


def test_the_seal_holds_nothing_of_the_key(folders):
    seal = installation.seal(DIGEST)
    assert folders.key.read_text() not in msgspec.json.encode(seal).decode()
