"""Where the values of one table come from: its own stream of chance, and ids that need no look-up.

The id of the n-th row of a table follows from the seed, so that rows refer to one another without
the database and in any order. Equal seeds give equal values; no clock is read.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Model

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.files import Catalogue
from backupsvc.studio.demo.layout import USERS_PER_ORG
from backupsvc.studio.models import User

# The demo studio's today.
TODAY = datetime(2025, 10, 30, 9, 0, tzinfo=UTC)
YEAR = 365
DEFAULT_FILES_URL = "http://127.0.0.1:8765/files/"

T = TypeVar("T")


def files_url() -> str:
    """The address below which the demo's remote files are served."""
    return getattr(settings, "STUDIO_DEMO_FILES_URL", DEFAULT_FILES_URL)


class Source:
    """Draws the values of one table, row after row."""

    def __init__(
        self,
        model: type[Model],
        *,
        seed: int,
        counts: Mapping[type[Model], int],
        files: Catalogue,
        password: str,
    ) -> None:
        self.model = model
        self.seed = seed
        self.counts = counts
        self.files = files
        self.password = password  # hashed; everybody's
        self.random = Random(f"{seed}/{model._meta.label}")  # noqa: S311 - demo data

    # Keys

    def id(self, model: type[Model], n: int) -> str:
        """The primary key of a table's n-th row, whether or not the row exists."""
        digest = blake2b(f"{self.seed}/{model._meta.label}/{n}".encode(), digest_size=16)
        return str(UUID(bytes=digest.digest(), version=4))

    def own(self, n: int) -> str:
        return self.id(self.model, n)

    def any(self, model: type[Model]) -> str:
        """The primary key of a row that exists."""
        return self.id(model, self.random.randrange(self.counts[model]))

    def gone(self, model: type[Model]) -> str:
        """The primary key of a row that was removed since."""
        return self.id(model, self.counts[model] + self.random.randrange(1000))

    def member(self, org: int) -> str:
        """Somebody who works in the n-th organisation."""
        return self.id(User, org * USERS_PER_ORG + self.random.randrange(USERS_PER_ORG))

    def token(self, n: int, purpose: str = "") -> str:
        """A token shaped as the application makes them."""
        return self.token_of(self.model, n, purpose)

    def token_of(self, model: type[Model], n: int, purpose: str = "") -> str:
        """The token of a table's n-th row, as links in mails have it."""
        text = f"{self.seed}/{model._meta.label}/{purpose}/{n}"
        digest = blake2b(text.encode(), digest_size=32, person=b"token").digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    # Chance

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, value: T, share: float = 0.5) -> T | None:
        return value if self.chance(share) else None

    def choice(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def number(self, low: int, high: int) -> int:
        return self.random.randrange(low, high)

    def some(self, values: Sequence[str], most: int = 4) -> list[str]:
        """A list of none to ``most`` of the values."""
        return self.random.sample(values, self.random.randrange(min(most, len(values)) + 1))

    def money(self) -> Decimal:
        """An amount; some are split in three and keep thirty digits after the point."""
        amount = Decimal(self.random.randrange(100, 2_000_000)).scaleb(-2)
        third = Decimal("0.333333333333333333333333333333")
        return amount + third if self.chance(0.1) else amount

    # Time

    def moment(self, days: int = 2 * YEAR) -> datetime:
        """A moment in the last ``days`` days, to the microsecond."""
        return TODAY - timedelta(microseconds=self.random.randrange(days * 86_400_000_000))

    def later(self, moment: datetime, days: int = 30) -> datetime:
        return moment + timedelta(microseconds=self.random.randrange(1, days * 86_400_000_000))

    def ahead(self, days: int = 180) -> datetime:
        """A full hour in the future, as due dates are."""
        return TODAY + timedelta(hours=self.random.randrange(days * 24))

    def stamps(self) -> dict[str, datetime]:
        """When a row was made and last changed."""
        created = self.moment()
        changed = self.later(created) if self.chance(0.6) else created
        return {"created_at": created, "updated_at": changed}

    # Texts

    def sentence(self) -> str:
        return texts.sentence(self.random)

    def body(self) -> str:
        return texts.body(self.random)

    def note(self) -> str | None:
        return texts.note(self.random)

    def ip_address(self) -> str:
        """Out of the ranges for documentation (RFC 5737, RFC 3849)."""
        n = self.random.randrange(1, 255)
        return f"2001:db8::{n:x}" if self.chance(0.2) else f"203.0.113.{n}"

    def user_agent(self) -> str:
        return self.choice(texts.USER_AGENTS)

    def phone(self, n: int) -> str:
        return f"+1 555 {n // 10_000 % 1000:03}-{n % 10_000:04}"

    def details(self) -> dict[str, Any]:
        """A nested document, as logs and settings have them."""
        return {
            "field": self.choice(["status", "name", "due_date"]),
            "from": self.note(),
            "to": self.sentence(),
            "numbers": [self.number(-5, 5), self.number(0, 10**12), self.number(0, 1000) / 8],
            "origin": {
                "page": "/projects",
                "beta": self.chance(0.5),
                "tags": self.some(["a", "é"]),
            },
        }

    # Files

    def picture(self) -> str:
        """A locator of a picture: a name in storage, an address below it, or one elsewhere."""
        return self._locator(self.files.pictures, self.files.remote_pictures)

    def document(self) -> str:
        """A locator of a document, of the same three kinds."""
        return self._locator(self.files.documents, self.files.remote_documents)

    def drawing_path(self) -> str:
        """A path in the studio's file storage, whose root is the leading slash."""
        return "/" + self.choice(self.files.drawings)

    def pens_path(self) -> str:
        return "/" + self.choice(self.files.pens)

    def attachments(self) -> list[dict[str, Any]]:
        """Files as messages and items carry them; some have none."""
        kinds = [(self.picture, "picture.png"), (self.document, "document.pdf")]
        drawn = (self.choice(kinds) for _ in range(self.number(0, 3)))
        return [{"url": locate(), "name": name, "size": None} for locate, name in drawn]

    def _locator(self, stored: Sequence[str], remote: Sequence[str]) -> str:
        draw = self.random.random()
        if draw < 0.3:
            return files_url() + self.choice(remote)
        name = self.choice(stored)
        return default_storage.url(name) if draw < 0.55 else name
