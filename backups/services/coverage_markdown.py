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
    yield from _recommendations(len(only_complete))
    yield from _testing()
    yield from _help()


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
    yield ""


def _recommendations(only_complete: int) -> Iterator[str]:
    safe, complete = (conf.reminder_days(scope) for scope in ("safe", "complete"))
    yield from ("---", "", "## Recommendations", "", "### For Regular Backups:")
    yield f"1. Make a **Safe Backup** every {safe} days; the dashboard says when one is due"
    yield "2. Store it on an encrypted drive: it holds names, addresses, telephone numbers and messages"
    yield "3. Try the restore of a Complete backup out: **Test restore** on its page changes nothing here"
    yield from ("", "### For Disaster Recovery:")
    yield f"1. Make a **Complete Backup** every {complete} days"
    yield "2. Store it in a highly secure location (encrypted, offline), on another machine than this one"
    yield "3. Never share it: it holds password hashes, access tokens and every file"
    yield "4. Keep a copy of the installation's key beside it, so that the file is known as yours elsewhere"
    yield from ("", "### File Storage:")
    yield (
        f"- A Safe Backup is not sufficient after a disaster: {only_complete} tables and all passwords are in"
        " Complete Backups only, wherever the files lie"
    )
    yield "- Files on the local server are in Complete Backups only"
    yield ""


def _testing() -> Iterator[str]:
    yield from ("---", "", "## Testing Your Backup", "")
    yield "1. Open its page: it was read back from end to end when it was made; **Verify again** repeats that"
    yield "2. Click **Test restore**: it is restored into a throwaway database and compared, row by row"
    yield "3. Click **Restore …** and look at the plan, table by table: looking changes nothing"
    yield "4. A file that you keep elsewhere: choose it on **Import Backup**, and look at its plan"
    yield ""


def _help() -> Iterator[str]:
    yield from ("---", "", "## Need Help?", "", "If you need to restore from a backup:")
    yield "1. A safety backup of all data is made **by itself** before anything is changed"
    yield "2. Click **Restore …** beside a backup that is stored here, or **Import Backup** for a file"
    yield "3. Read the plan: what would be lost, who can sign in afterwards, what stands in the way"
    yield "4. Type the words and your password"
    yield "5. **Undo** on the restore's report takes it back"
    yield from ("", "The file says itself whether it is a Safe or a Complete backup.")
