"""How a file in the format of age begins: https://age-encryption.org/v1"""

import base64
import binascii

MARK = b"age-encryption.org/v1"
ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"


def is_encrypted(start: bytes) -> bool:
    """Whether what begins so is a file of age, in either of its two forms."""
    return start.startswith((MARK, ARMOR))


def is_by_passphrase(start: bytes) -> bool:
    """Whether what begins so, with its first few hundred bytes, is opened by a passphrase."""
    if start.startswith(ARMOR):
        body = b"".join(start.splitlines()[1:3])
        try:
            start = base64.b64decode(body[: len(body) // 4 * 4])
        except binascii.Error:
            return False  # whoever decrypts it will say what is wrong with it
    return b"\n-> scrypt " in start[:100]
