"""The signature: it tells our own files, and nothing about the key."""

from backups.artifact.digest import is_signed_by, key_id, sign

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
DIGEST = "ab" * 32


def test_a_signature_holds_for_its_key_and_its_digest_alone():
    signature = sign(KEY, DIGEST)
    assert is_signed_by(KEY, DIGEST, signature)
    assert not is_signed_by(OTHER, DIGEST, signature)
    assert not is_signed_by(KEY, "cd" * 32, signature)
    assert not is_signed_by(KEY, DIGEST, "")


def test_the_signature_is_the_one_that_the_format_describes():
    """docs/artifact-format.md: HMAC-SHA256 over the format, a line feed and the digest."""
    assert sign(KEY, DIGEST) == ("f114a27402dc14239ec8b851e8aa15fd9e61f0f70feeabf751d3efbc7f151e03")


def test_a_key_s_name_says_nothing_about_it():
    assert key_id(KEY) != key_id(OTHER)
    assert key_id(KEY) not in KEY.hex()


def test_a_signature_that_is_no_ascii_is_nobodys():
    assert not is_signed_by(KEY, DIGEST, "\u05d0")
