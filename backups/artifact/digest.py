"""The digest of a document and its HMAC under the installation's key."""

import hashlib
import hmac

from backups.artifact.manifest import FORMAT

KEY_ID_LENGTH = 16


def key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"key id\0" + key).hexdigest()[:KEY_ID_LENGTH]


def sign(key: bytes, digest_hex: str) -> str:
    """HMAC-SHA256 over ``<format>\\n<digest>``, so that a signature serves no other purpose."""
    return hmac.new(key, f"{FORMAT}\n{digest_hex}".encode(), hashlib.sha256).hexdigest()


def is_signed_by(key: bytes, digest_hex: str, signature: str) -> bool:
    return hmac.compare_digest(sign(key, digest_hex).encode(), signature.encode())
