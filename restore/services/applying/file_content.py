"""The content of files in an artifact: what a restore does with it, and a test restore in its place."""

from collections.abc import Callable
from typing import Protocol

from backups.artifact.reader import FileReader
from backups.artifact.tail import Locator
from backups.stages import Stage


class Files(Protocol):
    """What is done with each file of the artifact, in which stage, and what came of it."""

    stage: Stage
    kept: int
    added: int
    hosted: int
    elsewhere: int
    renamed: list[tuple[Locator, str]]

    def put(self, file: FileReader) -> None: ...


class FilesCompared:
    """Reads each file out of the artifact, which compares it with its hash, and keeps nothing."""

    stage = Stage.HASHES

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.kept = 0
        self.added = 0
        self.hosted = 0
        self.elsewhere = 0
        self.renamed: list[tuple[Locator, str]] = []

    def put(self, file: FileReader) -> None:
        for _block in file.content():
            self._check()
        self.kept += file.head.state == "embedded"
