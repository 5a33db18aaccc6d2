"""The digest of rows read back, comparable with a section's in the file."""

import hashlib


class RowsDigest:
    """Takes the blocks that a backup would write."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0

    def take(self, block: bytes) -> None:
        self._digest.update(block)
        self.rows += block.count(b"\n")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
