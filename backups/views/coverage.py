"""What is backed up and what is not, generated from the registry and the database as it is now."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups import permissions
from backups.errors import BackupSystemError
from backups.services import coverage, coverage_markdown
from backups.services.coverage import CoverageReport, SectionCoverage
from backups.views.frame import page


@require_safe
@permissions.needs(permissions.SEE, "page.coverage")
def show(request: HttpRequest) -> HttpResponseBase:
    try:
        report = coverage.report()
    except BackupSystemError as error:
        return _page(request, error=error, status=503)
    return _page(request, report=report, groups=_groups(report), **_counts(report))


@require_safe
@permissions.needs(permissions.SEE, "page.coverage")
def markdown(request: HttpRequest) -> HttpResponseBase:
    """The report in the form of the document that the users know."""
    try:
        text = coverage_markdown.as_markdown(coverage.report())
    except BackupSystemError:
        return redirect("admin:backups_coverage")
    name = f"backup-coverage-{timezone.now():%Y-%m-%d}.md"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)


def _page(request: HttpRequest, *, status: int = 200, **context: object) -> HttpResponseBase:
    return page(
        request,
        "backups/coverage.html",
        title=_("Backup System Coverage Report"),
        tab="coverage",
        status=status,
        now=timezone.now(),
        **context,
    )


def _groups(report: CoverageReport) -> list[tuple[str, list[SectionCoverage]]]:
    listed = [*report.sections, *report.framework]
    found = groupby(listed, key=lambda section: section.group)
    return [(name, list(members)) for name, members in found]


def _counts(report: CoverageReport) -> dict[str, int]:
    return {
        "tables": len(report.sections),
        "framework_tables": len(report.framework),
        "safe_tables": sum(section.safe for section in report.sections),
        "only_complete": sum(not section.safe for section in report.sections),
        "rows": sum(section.rows for section in report.sections),
        "blocking": sum(finding.blocking for finding in report.findings),
    }
