"""The coverage report in the users' own words and order, generated and never written by hand."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

from django.utils import timezone

from backups import conf
from backups.services.coverage import CoverageReport, SectionCoverage


def as_markdown(report: CoverageReport) -> str:
    """The report in the form of the document that the users know."""
    return "\n".join(_lines(report)) + "\n"


def status(report: CoverageReport) -> str:
    """The sentence on top."""
    if report.is_covered:
        return "✅ COMPLETE - every table of the database is covered"
    blocking = sum(finding.blocking for finding in report.findings)
    return f"❌ NOT COMPLETE - {blocking} findings need attention"


def _lines(report: CoverageReport) -> Iterator[str]:
    safe = [s for s in report.sections if s.safe]
    only_complete = [s for s in report.sections if not s.safe]
    yield from ("# Backup System Coverage Report", "")
    yield from (f"**Last Updated:** {timezone.now():%Y-%m-%d %H:%M} UTC", "")
    yield from (f"**Status:** {status(report)}", "", "---", "", "## What Gets Backed Up", "")
    yield "### 🔵 Safe Backup (Blue Button - Admin/Owner)"
    yield (
        f"{len(safe)} tables, **without** passwords, secret tokens and file content."
        f" {len(only_complete)} tables are in Complete backups only."
    )
    yield from ("", *_groups(safe, omitted=True))
    yield "### 🟠 Complete Backup (Orange Button - Owner Only)"
    yield (
        f"All {len(report.sections)} tables, password hashes and tokens too, and the content of"
        " every file. Everything from Safe Backup PLUS:"
    )
    yield from ("", *_groups(only_complete, omitted=False))
    yield from _of_framework(report.framework)
    yield from _redacted(safe)
    yield from _files(report.sections)
    yield from _safety()
    yield from _excluded(report)
    yield from _findings(report)


def _groups(sections: list[SectionCoverage], *, omitted: bool) -> Iterator[str]:
    for group, members in groupby(sections, key=lambda s: s.group):
        yield f"#### {group}"
        for item in members:
            without = (
                f" (without {', '.join(item.omitted_in_safe)})"
                if omitted and item.omitted_in_safe
                else ""
            )
            yield f"- ✅ {item.model.rsplit('.', 1)[-1]}: `{item.key}`, {item.rows:,} rows{without}"
        yield ""


def _of_framework(sections: Collection[SectionCoverage]) -> Iterator[str]:
    if not sections:
        return
    yield "### Tables of Django itself"
    yield (
        f"{len(sections)} framework tables, counted apart: both kinds of file say what the numbers of these"
        " rows mean. A Complete restore brings them back; a Safe restore translates by them."
    )
    yield ""
    for item in sections:
        yield f"- ✅ {item.model.rsplit('.', 1)[-1]}: `{item.key}`, {item.rows:,} rows"
    yield ""


def _redacted(safe: list[SectionCoverage]) -> Iterator[str]:
    yield from ("#### Columns that a Safe file leaves out", "")
    for item in safe:
        if item.omitted_in_safe:
            yield f"- ✅ {item.model.rsplit('.', 1)[-1]}: {', '.join(item.omitted_in_safe)}"
    yield ""


def _files(sections: Iterable[SectionCoverage]) -> Iterator[str]:
    yield from ("---", "", "## What About Images?", "", "### Safe Backup:")
    yield "- ❌ **Image content NOT included** - only URLs and metadata"
    yield "- Files that another service hosts stay there; their URLs work for as long as it keeps them"
    yield "- Files on the local server are only in Complete backups"
    yield from ("", "### Complete Backup:")
    limit = conf.file_limit_bytes() // conf.MEBIBYTE
    yield f"- ✅ Files are embedded as base64, up to {limit} MB each; a larger one is listed by name"
    yield "- A file that cannot be fetched makes the backup *incomplete*, and it is never called a success"
    yield from ("- The columns that name files:", "")
    for item in sections:
        if item.file_locators:
            yield f"  - ✅ {item.model.rsplit('.', 1)[-1]}: {', '.join(item.file_locators)}"
    yield ""


def _safety() -> Iterator[str]:
    yield from ("---", "", "## Is My Database Safe?", "", "### During Backup:")
    yield "- ✅ Backup is READ-ONLY: the database itself refuses any write while its rows are read"
    yield from ("", "### During Restore:")
    yield "- ⚠️ **DESTRUCTIVE** - replaces the data of every table that the file holds"
    yield "- ✅ A backup of all data is made and verified first, always"
    yield "- ✅ All or nothing: whatever fails, the database stays as it was"
    yield ""


def _excluded(report: CoverageReport) -> Iterator[str]:
    yield from ("---", "", "## What Is Not Backed Up", "")
    for excluded in report.excluded:
        yield f"- ❌ `{excluded['table']}`: {excluded['because']}"
    yield ""


def _findings(report: CoverageReport) -> Iterator[str]:
    yield from ("---", "", "## Findings", "")
    if not report.findings:
        yield "None."
    for finding in report.findings:
        yield f"- {finding.severity}: {finding.message} {finding.hint} ({finding.code})"
