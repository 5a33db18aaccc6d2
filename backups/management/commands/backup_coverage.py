"""``manage.py backup_coverage``: what is backed up and what is not, out of the live database."""

from argparse import ArgumentParser
from typing import Any

from backups import printed_json
from backups.management import terminal
from backups.services import coverage
from backups.services.coverage import CoverageReport, SectionCoverage
from backups.services.coverage_markdown import as_markdown


class Command(terminal.Documented):
    help = (
        "Report what backups hold and what they do not, out of the declarations and the database."
    )
    examples = (
        ("backup_coverage", "as a table"),
        ("backup_coverage --format markdown", "as a document for whoever decides"),
        ("backup_coverage --check", "at each deployment"),
    )
    statuses = {terminal.FAILED: "with --check: something is not covered"}
    requires_system_checks: list[str] = []  # the report itself lists every finding

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--format",
            choices=["table", "markdown", "json"],
            default="table",
            help="how it is printed; a table if left out",
        )
        parser.add_argument(
            "--check", action="store_true", help="end with 1 where anything is not covered"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            report = coverage.report()
        if options["format"] == "json":
            self.stdout.write(printed_json.indented(report.as_dict()))
        elif options["format"] == "markdown":
            self.stdout.write(as_markdown(report))
        else:
            self._table(report)
        if options["check"] and not report.is_covered:
            raise SystemExit(terminal.FAILED)

    def _table(self, report: CoverageReport) -> None:
        output = terminal.Output(self, width=160)
        output.table(
            ("Group", "Section", "Table", "Safe", "Complete", "Omitted in Safe", "Rows"),
            map(_cells, [*report.sections, *report.framework]),
        )
        output.line(
            f"{len(report.sections)} tables, and {len(report.framework)} framework tables of Django"
            " itself"
        )
        for excluded in report.excluded:
            output.line(f"not backed up: {excluded['table']} ({excluded['because']})")
        for finding in report.findings:
            output.line(f"{finding.severity}: {finding.message} {finding.hint} ({finding.code})")


def _cells(item: SectionCoverage) -> list[str]:
    omitted = " ".join(item.omitted_in_safe)
    held = ("yes" if held else "no" for held in (item.safe, item.complete))
    return [item.group, item.key, item.table, *held, omitted, f"{item.rows:,}"]
