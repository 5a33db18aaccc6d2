"""The rows behind a plan's numbers, by page: old beside new, of secrets only that they differ."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups.permissions import actor_of, needs
from backups.services import auditing
from backups.views.frame import page
from restore.models import Upload
from restore.plan import ROWS_A_PAGE, Kind
from restore.services.asking import here, kept_rows
from restore.services.planning import visible
from restore.views import table_rows
from restore.views.access import RESTORE, own_upload
from restore.views.importing import TAB
from restore.views.planning import made_plan

_GONE = 410


@dataclass(frozen=True)
class Value:
    """A cell's text in pieces; ``characters`` where not all of it is here."""

    text: str | None
    characters: int

    @property
    def is_null(self) -> bool:
        return self.text is None

    @property
    def is_empty(self) -> bool:
        return self.text == ""

    @property
    def parts(self) -> list[tuple[str, bool, bool]]:
        """Each piece, whether it spells out what cannot be seen, and whether a line ends with it."""
        return [(p, unseen, unseen and "\\n" in p) for p, unseen in visible.parts(self.text or "")]


@dataclass(frozen=True)
class ShownCell:
    """One column of a row. ``differs_later``: what is shown of both sides is the same."""

    plain: dict[str, Any]

    @property
    def now(self) -> Value:
        return self._side("now")

    @property
    def file(self) -> Value:
        return self._side("file")

    @property
    def differs_later(self) -> bool:
        sides = [self.plain.get(name) for name in ("now", "file")]
        return sides[0] is not None and sides[0] == sides[1]

    def _side(self, name: str) -> Value:
        return Value(self.plain.get(name), self.plain.get(f"{name}_characters", 0))


@dataclass(frozen=True)
class ShownRow:
    """``number`` counts from the first row of the list."""

    number: int
    plain: dict[str, Any]

    @property
    def key(self) -> list[tuple[str, Value]]:
        return [(name, Value(value, 0)) for name, value in self.plain["key"].items()]

    @property
    def cells(self) -> list[ShownCell]:
        return [ShownCell(cell) for cell in self.plain["cells"]]


@require_safe
@needs(RESTORE, "plan.look")
def show(request: HttpRequest, upload_id: str, table: str, kind: str) -> HttpResponseBase:
    """A page of one table's rows of one kind."""
    upload = own_upload(request, upload_id)
    if kind not in list(Kind):
        raise Http404(_("There is no such list of rows."))
    run = made_plan(upload)
    if run is None:
        return _gone(request, upload)
    planned = table_rows.table_of(run.plan, table)
    total = table_rows.count(planned.plain, Kind(kind)) if planned else 0
    if planned is None or not total:
        raise Http404(_("The plan has no such rows."))
    wanted = _number(request.GET.get("page", "1"))
    kept = kept_rows.page(upload.stored, run.pk, table, Kind(kind), wanted)
    if kept is None:
        return _gone(request, upload)
    auditing.audit(
        actor_of(request),
        "plan.look",
        "looked",
        subject=upload.pk,
        table=table,
        kind=kind,
        page=kept.number,
    )
    return page(
        request,
        "restore/rows.html",
        title=_title(Kind(kind)),
        tab=TAB,
        upload=upload,
        here=here.overwritten(),
        table=planned,
        kind=kind,
        total=total,
        kept=kept,
        last=kept.first + len(kept.rows) - 1,
        pages_in_all=-(-total // ROWS_A_PAGE),
        rows=[ShownRow(number, row) for number, row in enumerate(kept.rows, start=kept.first)],
    )


def _number(asked: str) -> int:
    """The page's number; one that is none is the first."""
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 1


def _gone(request: HttpRequest, upload: Upload) -> HttpResponseBase:
    title = _("These rows are not here any more")
    return page(
        request, "restore/rows_gone.html", title=title, tab=TAB, upload=upload, status=_GONE
    )


def _title(kind: Kind) -> str:
    return {
        Kind.LOST: _("Rows that would be lost"),
        Kind.CHANGED: _("Rows that go back to what they were"),
        Kind.RETURNING: _("Rows that come back"),
    }[kind]
