"""``manage.py restore_apply``: put back what a backup holds."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from backups import jobs as backup_jobs
from backups import printed_json
from backups.management import terminal
from backups.management.identities import add_identity, give_if_asked, keys_of
from backups.services import auditing, keyring
from backups.services.keyring import Key
from backups.services.progress import Listener
from backups.services.recovery_kit import RecoveryKit
from restore import jobs
from restore.management.choices import add_choices, add_kit, choices_of, kit_of, remedy, target_line
from restore.management.sources import Source, add_source, opened
from restore.models import RestoreRun
from restore.plan import Of, Overwritten
from restore.services.applying import on_purpose, problems, put_back
from restore.services.asking import here, requests
from restore.services.planning import said_of_people


class Command(terminal.Documented):
    help = (
        "Restore a backup. A Complete one replaces every table, a Safe one the Safe tables. Look at"
        " restore_plan first."
    )
    examples = (
        (f'restore_apply studio.json --confirm "{requests.PHRASE}"', "a Complete backup"),
        (
            f'restore_apply 3fa94c0d11e2 --as noa@studio.example --confirm "{requests.PHRASE}"',
            "a stored Safe backup; the owner who acts keeps the account",
        ),
        (
            f'restore_apply studio.json --plan plan.json --confirm "{requests.PHRASE}"',
            "only if what is lost is what the plan said",
        ),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        parser.add_argument(
            "--confirm",
            default="",
            metavar="WORDS",
            help=f'must be "{requests.PHRASE}"; without it nothing is done',
        )
        add_choices(parser)
        add_kit(parser)
        add_identity(parser)
        parser.add_argument(
            "--plan",
            type=Path,
            metavar="FILE",
            help="the output of restore_plan --json that you agreed to; if the losses are not the"
            " same any more, nothing is done",
        )
        parser.add_argument(
            "--enqueue", action="store_true", help="let a worker do it, and wait for the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(remedy=remedy), terminal.bars(self) as listener:
            target = here.overwritten()
            self.stderr.write(terminal.printable(target_line(target)))
            requests.require_phrase(options["confirm"])
            kit = kit_of(options)
            keys = keys_of(options)
            with keyring.held(keys), opened(options["source"]) as source:
                run = requests.request(
                    Path(source.name),
                    auditing.COMMAND_LINE,
                    choices_of(options),
                    confirmed=_confirmed(options["plan"], target),
                    backup=source.number,
                )
                if options["enqueue"]:
                    self._let_worker(run, source, listener, kit, keys)
                else:
                    jobs.carry_out_here(run, source.path, listener=listener, kit=kit)
        self._report(run)
        for sentence in problems.of_report(run.report):
            self.stderr.write(f"  {sentence}")

    def _let_worker(
        self,
        run: RestoreRun,
        source: Source,
        listener: Listener | None,
        kit: RecoveryKit | None,
        keys: list[Key],
    ) -> None:
        if not source.backup:
            requests.take_copy(run, source.path, kit=kit)
        jobs.enqueue_restore(run)
        if not backup_jobs.workers_listening():
            self.stderr.write("No worker is listening. Start one: manage.py backup_worker")

        def look() -> None:
            requests.end_abandoned()
            give_if_asked(run.pk, keys)

        terminal.wait_for(run, listener, look)
        terminal.require_success(run)

    def _report(self, run: RestoreRun) -> None:
        report = run.report
        if "rows" not in report:
            self.stdout.write(
                "Restored: everything was put back. The report's last words are missing.\n"
                f"  safety backup of what was there before: {run.safety_backup}"
            )
            return
        files = report["files"]
        self.stdout.write(
            f"Restored: {_what_came(report)}{_on_purpose(report)}\n"
            f"  gone of what was here: {terminal.rows(_sum(run, 'lost'))};"
            f" changed back: {terminal.rows(_sum(run, 'changed'))}\n"
            f"  files: {files['added']:,} put back, {files['kept']:,} were there,"
            f" {files['renamed']:,} under a new name, {files['hosted']:,} of other servers kept here,"
            f" {files['elsewhere']:,} stay elsewhere\n"
            f"  {report['sessions_ended']:,} web sessions ended\n"
            f"  {_way_back(run)}"
        )
        for said in said_of_people.in_words(report.get("people_lost"), Of.FILE):
            self.stdout.write(f"  not as in the file: {said}")
        for said in said_of_people.in_words(report.get("people_lost"), Of.NOW):
            self.stdout.write(f"  {said}")
        for one in report.get("access") or []:
            self.stdout.write(f"  {_access(one)}")
        for item in report["undo"]["lacks"]:
            self.stdout.write(f"  {_lacking(item)}")
        for table, rule in report.get("rules_left_off") or []:
            self.stdout.write(
                f"  rule not validated, as rows of the backup break it: {table}: {rule}"
            )
        if report["outgoing_held"]:
            self.stdout.write(
                "  Mail and jobs are held. Send the mail that waits, and let all go:"
                " manage.py restore_release --send\n  or throw it away: manage.py restore_release --discard"
            )


def _what_came(report: dict[str, Any]) -> str:
    rows, alone = put_back.counted_in(report), report["left_alone"]
    if not alone:
        return f"{rows} were put back, read back and equal to the file"
    written = rows.tables - len(alone)
    return (
        f"{rows} are as in the file: {len(alone)} had these rows already, compared cell by cell, and were"
        f" left alone,\n  {written} were put back, read back and equal to the file"
    )


def _on_purpose(report: dict[str, Any]) -> str:
    said = on_purpose.in_words(report)
    if not said:
        return ""
    rows = report["changed_on_purpose"]["rows"]
    return f";\n  {rows:,} of them were then changed on purpose: {', '.join(said)}"


def _access(one: dict[str, Any]) -> str:
    came = "came, as was chosen" if one["taken"] else "did not come"
    what = terminal.rows(one["rows"])
    if one.get("cells"):
        what = f"{', '.join(one['cells'])} of {what}"
    return f"{one['table']} lets people in or gives rights: {what} of the file {came}"


def _way_back(run: RestoreRun) -> str:
    if not run.safety_backup:
        chosen_by = run.report["undo"]["chosen_by"]
        return f"it cannot be undone, as chosen by {chosen_by}: no safety backup was made"
    return (
        f"safety backup of what was there before: {run.safety_backup}\n"
        f'  To undo this restore: manage.py restore_undo {run.pk} --confirm "{requests.PHRASE}"'
    )


def _lacking(item: dict[str, Any]) -> str:
    table = item["table"] or "the schema"
    if not item["matters"]:
        return f"the undo does not hold {table}, and the restore has left it alone"
    if not item["rows"]:
        return f"the undo lacks {table} or a part of it"
    keys = ", ".join("/".join(key) for key in item["keys"])
    return f"the undo lacks {terminal.rows(item['rows'])} of {table}" + (
        f": {keys}" if keys else ""
    )


def _sum(run: RestoreRun, what: str) -> int:
    return sum(table.get(what, 0) for table in run.report["tables"])


def _confirmed(path: Path | None, target: Overwritten) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        plan: dict[str, Any] = printed_json.parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandError("The file given with --plan is not a plan.") from error
    made_for = plan.get("target") if isinstance(plan, dict) else None
    # A plan of an earlier version does not say.
    if made_for and made_for != asdict(target):
        raise CommandError(
            "The plan given with --plan was made for another database or installation."
            " Nothing was changed. Plan again here: manage.py restore_plan FILE --json"
        )
    return plan
