"""``manage.py restore_plan``: everything a restore of a file would do, without a write."""

import shlex
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from backups import printed_json
from backups.management import terminal
from backups.management.identities import add_identity, held
from backups.registry import Counted, role_in_words
from backups.services import auditing
from restore.management import rows
from restore.management.choices import (
    add_choices,
    add_kit,
    as_typed,
    choices_of,
    kit_of,
    remedy,
    target_line,
)
from restore.management.sources import add_source, opened
from restore.plan import (
    ROWS_A_PAGE,
    AccessRows,
    AccountPlan,
    ActingPlan,
    Choices,
    FileFacts,
    Kind,
    Loss,
    Of,
    PasswordOf,
    Plan,
    TablePlan,
)
from restore.services.asking import requests
from restore.services.planning import said_of_people
from restore.services.planning.counting import plan_file


class Command(terminal.Documented):
    help = "Show what a restore would do, without a write; with --rows, the rows behind a number of it."
    examples = (
        ("restore_plan studio.json", "a file"),
        ("restore_plan 3fa94c0d11e2 --as noa@studio.example", "a stored Safe backup by its number"),
        (
            "restore_plan studio.json --rows studio_client --kind lost",
            "the rows that would be lost",
        ),
        ("restore_plan studio.json --json", "for restore_apply --plan"),
    )
    statuses = {
        terminal.DONE: "the restore can be applied",
        terminal.FAILED: "a finding stands in its way",
        terminal.UNSOUND: "the file is not sound or not there, or there are no such rows",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        parser.add_argument(
            "--json", action="store_true", help="print the plan as JSON, which restore_apply takes"
        )
        add_choices(parser)
        add_kit(parser)
        add_identity(parser)
        parser.add_argument(
            "--rows",
            default="",
            metavar="TABLE",
            help="list rows of this table, named as in the plan or by its section's key, instead of"
            " the plan; secrets are not shown",
        )
        parser.add_argument(
            "--kind",
            type=Kind,
            choices=list(Kind),
            default=Kind.CHANGED,
            help="which of its rows: those that would be lost, go back to what they were (the"
            " default), or come back",
        )
        parser.add_argument(
            "--page", type=int, default=1, metavar="N", help=f"from 1, {ROWS_A_PAGE} rows each"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rows"]:
            self._list(options)
            return
        with (
            terminal.errors(status=terminal.UNSOUND, remedy=remedy),
            held(options),
            opened(options["source"]) as source,
        ):
            plan = plan_file(source.path, choices_of(options), kit=kit_of(options))
        if options["json"]:
            self.stdout.write(printed_json.indented(plan.as_dict()))
        else:
            self._show(plan)
            self._next(plan, options["source"], choices_of(options))
        if plan.blocking:
            raise SystemExit(terminal.FAILED)

    def _next(self, plan: Plan, source: str, choices: Choices) -> None:
        if not plan.blocking:
            made = " ".join(map(shlex.quote, [source, *as_typed(choices)]))
            self.stdout.write(
                "To restore it: manage.py restore_apply"
                f' {terminal.printable(made)} --confirm "{requests.PHRASE}"'
            )

    def _list(self, options: dict[str, Any]) -> None:
        wanted = rows.Wanted(options["rows"], options["kind"], options["page"])
        found: list[rows.Found] = []
        with terminal.errors(status=terminal.UNSOUND, remedy=remedy):
            with held(options), opened(options["source"]) as source:
                plan = plan_file(
                    source.path,
                    choices_of(options),
                    kit=kit_of(options),
                    look=lambda look: found.append(rows.find(look, wanted)),
                )
            auditing.audit(
                auditing.COMMAND_LINE,
                "plan.look",
                "looked",
                subject=plan.file.digest[:32],
                table=found[0].table.key,
                kind=wanted.kind,
                page=wanted.page,
            )
        if options["json"]:
            listed = {"target": asdict(plan.target)} | found[0].as_dict()
            self.stdout.write(printed_json.indented(listed))
            return
        output = terminal.Output(self, width=150)
        output.line(target_line(plan.target))
        rows.show(found[0], output)

    def _show(self, plan: Plan) -> None:
        output = terminal.Output(self, width=150)
        output.line(target_line(plan.target))
        output.line(f"A {plan.file.type} backup of {plan.file.created_at}: {_held(plan.file)}")
        output.table(
            ("Table", "Fate", "Now", "After", "Lost", "Changed", "Kept", "Refilled", "To NULL"),
            [_cells(item) for item in plan.tables if item.now or item.after],
        )
        output.line(_losses(plan))
        people, files = plan.accounts, plan.files
        output.line(
            f"accounts: {people.total:,}, of which {people.can_sign_in:,} can sign in"
            f" ({people.with_todays_password:,} with today's password,"
            f" {people.with_files_password:,} with that of the backup's date);"
            f" {people.need_reset:,} need a password reset"
        )
        for said in said_of_people.in_words(people.lost):
            output.line(f"  {said}")
        for losing in people.losing:
            what = ", ".join(_loss(loss) for loss in losing.losses)
            output.line(f"    {losing.email}: {what}")
        if plan.acting:
            output.line(f"  {_acting(plan.acting)}")
        for account in people.privileged_new:
            output.line(
                f"  would become {role_in_words(account.role)}: {account.email}{_gains(account)}"
            )
        for rows_in in plan.access:
            output.line(f"  {_access(rows_in)}")
        output.line(
            f"files: {files.stay:,} stay, {files.put_back:,} are put back,"
            f" {files.renamed:,} get a new name, {files.hosted:,} of other servers are kept here,"
            f" {files.elsewhere:,} stay elsewhere"
            f"{f', {files.in_rows:,} stand in the rows themselves' if files.in_rows else ''}"
        )
        for sentence in plan.schema:
            output.line(sentence)
        for finding in plan.findings:
            hint = remedy(finding.code, finding.hint)
            output.line(f"{finding.severity}: {finding.message} {hint} ({finding.code})")


def _held(file: FileFacts) -> Counted:
    return Counted(file.rows, file.tables, file.framework_rows, file.framework_tables)


def _loss(loss: Loss) -> str:
    where = "here" if loss.of is Of.NOW else "in the file"
    return f"{loss.what} {role_in_words(loss.role)} {where}".replace("  ", " ")


def _acting(acting: ActingPlan) -> str:
    if not acting.stays:
        return f"the account that acts goes: {acting.email} is not in the file"
    way = {
        PasswordOf.TODAY: "with today's password",
        PasswordOf.FILE: "with its password of the backup's date",
        PasswordOf.NONE: "after a password reset",
    }[acting.password]
    able = "signs in afterwards" if acting.can_sign_in else "cannot sign in by itself"
    return (
        f"the account that acts, {acting.signs_in_as} ({role_in_words(acting.role)}), {able}: {way}"
    )


def _gains(account: AccountPlan) -> str:
    more = account.gains_in_all - len(account.gains)
    said = ", ".join(account.gains) + (f" and {more:,} more" if more else "")
    moved = f" (its address now is {account.address_now})" if account.address_now else ""
    return (f" (gets {said})" if said else "") + moved


def _access(one: AccessRows) -> str:
    what = (
        f"{', '.join(one.cells)} of {terminal.rows(one.rows)}"
        if one.cells
        else terminal.rows(one.rows)
    )
    come = "come, as chosen" if one.taken else f"do not come; --let-in {one.section} takes them"
    return f"{one.table} lets people in or gives rights: {what} {come}"


def _losses(plan: Plan) -> str:
    lost, changed = (sum(getattr(t, name) for t in plan.tables) for name in ("lost", "changed"))
    if not (lost or changed):
        return "Nothing that is here now would be lost or changed."
    return f"{terminal.rows(lost)} would be lost; {terminal.rows(changed)}, changed since, would go back."


def _cells(item: TablePlan) -> list[str]:
    numbers = (
        item.now,
        item.after,
        item.lost,
        item.changed,
        item.kept,
        item.refilled,
        item.set_null,
    )
    return [item.table, item.fate, *(f"{n:,}" if n else "" for n in numbers)]
