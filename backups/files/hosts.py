"""The servers that files are fetched from, as one backup gets to know them."""

import threading
from collections.abc import Callable

from backups.errors import FetchError
from backups.wording import _

# So many attempts in a row that nobody answered: with three for each file, three or four files.
AWAY_AFTER = 10
ASK_AGAIN_SECONDS = 30.0


class Host:
    """One server. Safe to share between threads.

    Thousands of files may lie on a server that has gone. Each of them would wait for a connection, for
    hours in all, so that no backup would ever end; so after a while only one now and then finds out
    whether the server is back.
    """

    def __init__(self, at_once: int, clock: Callable[[], float]) -> None:
        self.turn = threading.Semaphore(at_once)
        self._clock = clock
        self._lock = threading.Lock()
        self._unanswered = 0
        self._ask_again_at = 0.0

    def require_present(self) -> None:
        """Raises FetchError where the server has not answered for long."""
        with self._lock:
            if self._unanswered < AWAY_AFTER:
                return
            now = self._clock()
            if now >= self._ask_again_at:
                self._ask_again_at = now + ASK_AGAIN_SECONDS
                return
        raise FetchError(
            "file.server_away",
            _(
                "The server answered none of many requests, so this file was not asked for any more."
            ),
            hint=_(
                "When the server is back, fetch again what is missing, or make the backup again."
            ),
        )

    def answered(self) -> None:
        with self._lock:
            self._unanswered = 0

    def did_not_answer(self) -> None:
        with self._lock:
            self._unanswered += 1
            if self._unanswered == AWAY_AFTER:
                self._ask_again_at = self._clock() + ASK_AGAIN_SECONDS
