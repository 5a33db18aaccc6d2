"""The recovery kit: typed, printed, saved and read back; and what is no kit is told as what it is."""

import json
import os
import stat
import traceback

import pytest

from backups.artifact import digest
from backups.errors import BackupSystemError
from backups.services import installation, recovery_kit
from backups.services.recovery_kit import RecoveryKit, parsed

KEY = bytes(range(32))
KIT = RecoveryKit(KEY)


def refusal(content: bytes) -> str:
    """The code of the error, of which no frame's text tells the key."""
    try:
        parsed(content)
    except BackupSystemError as error:
        said = "".join(traceback.format_exception(error)) + error.hint
        assert KIT.text[:9] not in said and KEY.hex()[:12] not in said
        return error.code
    return ""


def test_the_text_has_no_letters_that_look_alike_and_no_rest():
    assert KIT.text.count("-") == 13
    assert not set(KIT.text) & set("ILOU")
    assert len(KIT.lines) == 4 and "".join(KIT.lines).replace(" ", "") == KIT.text.replace("-", "")


@pytest.mark.parametrize(
    "typed",
    [
        KIT.text,
        KIT.text.lower(),
        KIT.text.replace("-", ""),
        "\r\n".join(KIT.lines) + "\r\n",
        "  " + KIT.text.replace("-", " \n\t- ") + " ",
        KIT.text.replace("-", "\u2013").replace("1", "l", 1).replace("0", "o"),
        KEY.hex() + "\n",
    ],
)
def test_however_it_was_typed_it_is_the_same_key(typed):
    for content in (typed.encode(), b"\xef\xbb\xbf" + typed.encode(), typed.encode("utf-16")):
        assert parsed(content).key == KEY


def test_its_file_is_read_whatever_an_editor_made_of_it(folders):
    content = recovery_kit.as_file(KIT)
    crlf = content.replace(b"\n", b"\r\n")
    for changed in (content, crlf, b"\xef\xbb\xbf" + crlf, content.decode().encode("utf-16")):
        assert parsed(changed).key == KEY


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "kit.format"),
        (b"   \n", "kit.format"),
        (b"hello, this is a letter to my mother " * 20, "kit.format"),
        (b"\xff\xd8\xff\xe0 a photo", "kit.format"),
        (b'{"format":"backupsvc/1"}', "kit.format"),
        (b"{" * 5000, "kit.format"),
        (b'{"format":"backupsvc-recovery-kit/1","key":7,"installation":""}', "kit.format"),
        (b'{"format":"backupsvc-recovery-kit/2"}', "kit.version"),
        (b"0" * (10 << 20), "kit.too_large"),
        (KIT.text[:-1].encode(), "kit.length"),
        (KIT.text[:-5].encode(), "kit.length"),
        (KIT.text.encode() + b"-0000", "kit.length"),
        (KIT.text.replace(KIT.text[0], "?", 1).encode(), "kit.letters"),
    ],
)
def test_what_is_no_kit_is_told_as_what_it_is(content, code):
    assert refusal(content) == code


def test_a_file_cut_short_anywhere_is_no_kit(folders):
    content = recovery_kit.as_file(KIT).rstrip()
    for end in range(1, len(content), 37):
        assert refusal(content[:end]).startswith("kit.")


def test_every_single_wrong_letter_is_noticed():
    for at, right in enumerate(KIT.text):
        for wrong in {"7", "Z"} - {right} if right != "-" else ():
            assert refusal((KIT.text[:at] + wrong + KIT.text[at + 1 :]).encode()) == "kit.checksum"


def test_two_groups_that_changed_places_are_noticed():
    groups = KIT.text.split("-")
    assert refusal("-".join([groups[1], groups[0], *groups[2:]]).encode()) == "kit.checksum"


def test_without_the_checksum_a_wrong_letter_would_be_another_key(monkeypatch):
    """The twin of the two above."""
    monkeypatch.setattr(recovery_kit.secrets, "compare_digest", lambda *_: True)
    assert parsed(("Z" + KIT.text[1:]).encode()).key != KEY


def test_a_file_whose_key_was_exchanged_for_another_sound_one_is_noticed(folders):
    said = json.loads(recovery_kit.as_file(KIT))
    said["key"] = RecoveryKit(bytes(32)).text
    assert refusal(json.dumps(said).encode()) == "kit.checksum"


def test_the_file_says_what_it_is_and_what_to_do(folders):
    said = json.loads(recovery_kit.as_file(KIT))
    assert said["format"] == recovery_kit.FORMAT
    assert said["installation"] == digest.key_id(KEY)
    assert len(said["steps"]) == 5


def test_nothing_prints_the_key():
    assert KEY.hex() not in repr(KIT) and KIT.text not in f"{KIT} {vars(KIT).keys()}"


def test_it_is_written_private_and_nothing_is_written_over(db, folders, tmp_path):
    path = tmp_path / "kit.json"
    former = os.umask(0)
    try:
        recovery_kit.write(path)
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert recovery_kit.read(path).key == installation.key()
    with pytest.raises(BackupSystemError) as refused:
        recovery_kit.write(path)
    assert refused.value.code == "kit.exists"
    for code, act in {
        "kit.unwritable": lambda: recovery_kit.write(tmp_path / "none" / "kit.json"),
        "kit.unreadable": lambda: recovery_kit.read(tmp_path / "none"),
    }.items():
        with pytest.raises(BackupSystemError) as refused:
            act()
        assert refused.value.code == code
        assert str(tmp_path) not in refused.value.message + refused.value.hint


def test_a_kit_of_another_installation_says_nothing_of_a_file(folders):
    recovery_kit.require_of(None, "whoever")
    recovery_kit.require_of(KIT, KIT.installation)
    recovery_kit.require_of(KIT, installation.name())
    with pytest.raises(BackupSystemError) as refused:
        recovery_kit.require_of(KIT, "0" * 16)
    assert refused.value.code == "kit.other_installation"
