"""Pages of a long list, and the addresses of the next and the previous one with the filters kept."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PER_PAGE = 25


@dataclass(frozen=True)
class Listing:
    """``query`` is the filters' part of an address, to be followed by ``page=…``."""

    page: Page[Any]
    query: str

    @property
    def total(self) -> int:
        return self.page.paginator.count


def listing(request: HttpRequest, rows: QuerySet[Any]) -> Listing:
    """The page that the address asks for; the nearest one where there is no such page."""
    query = request.GET.copy()
    query.pop("page", None)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    kept = query.urlencode()
    return Listing(page, kept + "&" if kept else "")
