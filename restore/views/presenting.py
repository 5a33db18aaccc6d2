"""What a plan or a report, both in their JSON form, says beside its tables, as pages show it: findings,
people, and what lets people in."""

from typing import Any

from django.utils.translation import gettext as _

from backups.models import Run
from backups.registry import role_in_words
from backups.translating import translated
from backups.wording import Sentence
from restore.services.planning import said_of_people
from restore.views.table_rows import title_of

Plain = dict[str, Any]


SEVERITIES = ("error", "warning", "notice")


def findings(plan: Plain) -> list[Plain]:
    """The worst first, with hints in the words of the pages instead of those of the commands."""
    all_accounts = bool(plan.get("choices", {}).get("all_accounts"))
    found = [_in_words(finding, all_accounts=all_accounts) for finding in plan["findings"]]
    return sorted(found, key=lambda f: SEVERITIES.index(f["severity"]))


def serious(plan: Plain) -> list[Plain]:
    """What a person should know before anything else, but for what stands in the way: that is said on top."""
    return [finding for finding in findings(plan) if finding["severity"] == "warning"]


def remarks(plan: Plain) -> list[Plain]:
    """What is good to know."""
    return [f for f in findings(plan) if f["severity"] not in ("error", "warning")]


def _in_words(finding: Plain, *, all_accounts: bool) -> Plain:
    message, hint = (
        translated(Sentence.of(finding.get("words", {}).get(name), otherwise=finding[name]))
        for name in ("message", "hint")
    )
    return finding | {
        "message": message,
        "hint": _hint_of(finding, hint, all_accounts=all_accounts),
    }


def _hint_of(finding: Plain, hint: str, *, all_accounts: bool) -> str:
    if finding["code"] == "restore.foreign" and finding["severity"] != "error":
        if all_accounts:
            return _(
                "You took it with all its accounts. Afterwards mail and jobs are held until an owner"
                " releases them."
            )
        return _(
            "You accepted it. Nobody gets a privileged role from it whom you do not tick under"
            " “Choices”. Afterwards mail and jobs are held until an owner releases them."
        )
    return page_hint(finding["code"], hint)


def schema(plan: Plain) -> list[str]:
    """How the tables have changed since the backup, a sentence each."""
    words = plan.get("schema_words") or [{}] * len(plan["schema"])
    pairs = zip(plan["schema"], words, strict=True)
    return [translated(Sentence.of(plain, otherwise=said)) for said, plain in pairs]


def hint_of(run: Run) -> str:
    """What to do about the error that ended a run."""
    error = run.error
    return page_hint(error.code, translated(error.hint)) if error else ""


def page_hint(code: str, hint: str) -> str:
    """What to do about an error, in the words of the pages where they differ from the commands'."""
    return _page_hints().get(code, hint)


def blocking(plan: Plain) -> list[Plain]:
    return [f for f in findings(plan) if f["severity"] == "error"]


def _page_hints() -> dict[str, str]:
    return {
        "restore.foreign": _(
            "Give the recovery kit of the server that made it. Or, if you trust where the file comes from,"
            " say so under “Choices” and plan again: nobody gets a privileged role from it whom you do not"
            " tick."
        ),
        "restore.has_data": _(
            "Untick it under “Choices” and tick the roles one by one, or give the recovery kit."
        ),
        "restore.no_owner": _(
            "Tick at least one owner under “Choices” and plan again. Otherwise an owner can only be"
            " made on the server afterwards: manage.py createsuperuser."
        ),
        "restore.acting_owner": _(
            "Sign in as an owner whose account is approved and has a password, then plan again."
        ),
        "restore.acting_ambiguous": _("Let another owner sign in and restore the file."),
        "restore.access_held_back": _(
            "If you trust whoever made the file, tick it under “Choices” and plan again."
        ),
        "restore.access_needed": _(
            "Tick that table too under “Choices” and plan again, if you trust whoever made the file."
        ),
        "undo.uncovered": _(
            "Let an administrator declare, exclude or drop it; or say under “Choices” how to go on."
        ),
        "undo.unreadable": _(
            "Repair the rows, or say under “Choices” whether to go on with an undo that lacks them, or"
            " without one."
        ),
        "restore.duplicate": _(
            "Use the file as it was made. If there is no other, leave the repeated rows out under “Choices”"
            " and plan again."
        ),
        "artifact.layout": _(
            "Use the file as it was downloaded. If there is no other, and you trust who had it, take"
            " it as it is below."
        ),
        "artifact.damaged": _(
            "Use another copy of the file. If there is none, and you trust who had this one, take it"
            " as it is below."
        ),
    }


# Findings on what the safety backup could not hold.
_OF_UNDO = ("undo.uncovered", "undo.unreadable")


def lacking(plan: Plain) -> list[Plain]:
    """What the safety backup of this plan will not hold."""
    return [finding for finding in findings(plan) if finding["code"] in _OF_UNDO]


def obstructed(plan: Plain) -> bool:
    """Whether the person has something to choose about the undo, or has chosen."""
    chosen = plan["choices"].get("partial_undo") or plan["choices"].get("without_undo")
    stops = {finding["code"] for finding in plan["findings"] if finding["severity"] == "error"}
    return bool(chosen or stops & {*_OF_UNDO, "restore.disk_space"})


def lacks_of(report: Plain) -> list[Plain]:
    """What the safety backup of a restore does not hold, a table at a time; ``title`` names the table."""
    lacks = (report.get("undo") or {}).get("lacks", [])
    return [item | {"title": title_of(item) or _("the schema")} for item in lacks]


def people_lost(accounts: Plain | None) -> Plain:
    """Who loses what, from a plan's accounts: ``said`` in sentences, ``rows`` by name."""
    found = accounts or {}
    rows = [
        {"email": account["email"], "what": [_loss(loss) for loss in account["losses"]]}
        for account in found.get("losing", [])
    ]
    return {"said": said_of_people.in_words(found.get("lost")), "rows": rows}


def _loss(loss: Plain) -> str:
    words = {
        ("now", "account"): _("goes (%(role)s)"),
        ("now", "role"): _("is no longer %(role)s"),
        ("now", "approval"): _("loses the approval"),
        ("now", "password"): _("loses the password"),
        ("file", "role"): _("does not become %(role)s"),
        ("file", "approval"): _("is not approved"),
        ("file", "password"): _("does not get its password"),
    }
    return words[loss["of"], loss["what"]] % {
        "role": translated(role_in_words(loss["role"] or "?"))
    }


def roles_in_file(plan: Plain) -> list[tuple[str, int]]:
    """How many accounts of each role the file has; the privileged ones first."""
    counted: Plain = plan["accounts"].get("in_file", {})
    first = {
        a["role_in_file"] for a in plan["accounts"]["named"] if a["withheld"] or a["privileged"]
    }
    return sorted(counted.items(), key=lambda item: (item[0] not in first, item[1], item[0]))


def access(plan: Plain) -> list[Plain]:
    """The tables of a foreign file whose rows let people in or give them rights; ``title`` names each."""
    return [one | {"title": title_of(one)} for one in plan.get("access", [])]


def let_in(told: Plain) -> list[Plain]:
    """Those of them that come, or of a report came, as somebody ticked them."""
    return [one for one in access(told) if one["taken"]]


def held_back(told: Plain) -> list[Plain]:
    """Those of them that do not come."""
    return [one for one in access(told) if not one["taken"]]


def grantable(plan: Plain) -> list[Plain]:
    """The accounts of a foreign file whose role can be granted, or was."""
    if plan["file"]["authentic"]:
        return []
    granted = set(plan["choices"]["grant_roles"])
    return [
        account
        for account in plan["accounts"]["named"]
        if account.get("role_in_file")
        and (account["role_in_file"] != account["role"] or account["email"] in granted)
    ]
