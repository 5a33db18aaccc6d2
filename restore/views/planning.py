"""The plan of an upload: being made, made, refused; choices that make a new one; the plan as JSON."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from backups import printed_json
from backups.errors import BackupSystemError
from backups.models import State
from backups.permissions import actor_of, needs
from backups.services import auditing
from backups.translating import message_and_hint
from backups.views.frame import page
from restore.forms import ChoicesForm, KitForm
from restore.models import PlanRun, Upload
from restore.plan import Choices
from restore.services.asking import here, kept_rows, uploads
from restore.services.planning import plan_runs
from restore.services.planning.opening import ALTERED
from restore.views import presence, presenting, table_rows
from restore.views.access import RESTORE, own_upload
from restore.views.going import going
from restore.views.importing import TAB
from restore.views.uploading import plan as ask_for_plan


@require_safe
@needs(RESTORE, "plan")
def show(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """The latest plan, or how far it is."""
    upload = own_upload(request, upload_id)
    if not upload.is_whole:
        return HttpResponseRedirect(reverse("admin:restore_import"))
    run = plan_runs.latest(upload)
    template = "restore/plan.html" if _is_made(run) else "restore/planning.html"
    return page(
        request,
        template,
        title=_("What a restore would do"),
        tab=TAB,
        upload=upload,
        run=run,
        presence=presence.presence(),
        can_accept_altered=run is not None and run.error_code in ALTERED,
        hint=presenting.hint_of(run) if run else "",
        **(_shown(upload, run) if run and _is_made(run) else going(run) if run else {}),
    )


@require_safe
@needs(RESTORE, "plan")
def progress(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """The part of the page that changes while a plan is made. Ends by loading the page again."""
    upload = own_upload(request, upload_id)
    plan_runs.end_abandoned()
    run = plan_runs.latest(upload)
    if run is None or not run.is_active:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"run": run, "presence": presence.presence(), **going(run)}
    return render(request, "restore/_planning.html", context)


@require_POST
@needs(RESTORE, "plan")
def plan_again(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """A new plan with the choices of the form."""
    upload = own_upload(request, upload_id)
    former = plan_runs.latest(upload)
    form = ChoicesForm(request.POST, accounts=_grantable(former), access=_access(former))
    if upload.is_whole and form.is_valid():
        ask_for_plan(upload, request, form.choices(acting=actor_of(request).email))
    return HttpResponseRedirect(reverse("admin:restore_plan", args=[upload.pk]))


@sensitive_post_parameters("kit_text")
@require_POST
@needs(RESTORE, "kit.use")
def give_kit(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """Take the recovery kit for this file, and plan anew with it."""
    upload = own_upload(request, upload_id)
    back = HttpResponseRedirect(reverse("admin:restore_plan", args=[upload.pk]))
    form = KitForm(request.POST, request.FILES)
    try:
        kit = form.kit() if form.is_valid() else None
        if kit is None:
            messages.error(request, _("Choose the kit's file, or type its text."))
            return back
        uploads.give_kit(upload, kit, actor_of(request))
    except BackupSystemError as error:
        messages.error(request, message_and_hint(error))
        return back
    if upload.is_whole:
        former = plan_runs.latest(upload)
        chosen = Choices.of(former.choices) if former else Choices()
        chosen = replace(chosen, acting=actor_of(request).email, accept_foreign=False)
        ask_for_plan(
            upload, request, replace(chosen, all_accounts=False, grant_roles=(), let_in=())
        )
    return back


@require_safe
@needs(RESTORE, "plan.download")
def download(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """The plan as JSON; ``restore_apply --plan`` takes it."""
    upload = own_upload(request, upload_id)
    run = plan_runs.latest(upload)
    if run is None or not _is_made(run):
        return HttpResponseRedirect(reverse("admin:restore_plan", args=[upload.pk]))
    auditing.audit(actor_of(request), "plan", "downloaded", subject=upload.pk)
    return HttpResponse(
        printed_json.indented(run.plan),
        content_type="application/json",
        headers={
            "Content-Disposition": 'attachment; filename="restore-plan.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def applicable(upload: Upload) -> PlanRun | None:
    """The plan that may be confirmed: the latest, made, and with nothing that blocks it."""
    run = plan_runs.latest(upload)
    if run is not None and _is_made(run) and run.plan["can_be_applied"]:
        return run
    return None


def _is_made(run: PlanRun | None) -> bool:
    return run is not None and run.state == State.SUCCEEDED


def _grantable(run: PlanRun | None) -> list[str]:
    if run is None or not _is_made(run):
        return []
    return [account["email"] for account in presenting.grantable(run.plan)]


def _access(run: PlanRun | None) -> list[str]:
    if run is None or not _is_made(run):
        return []
    return [one["section"] for one in run.plan.get("access", [])]


def made_plan(upload: Upload) -> PlanRun | None:
    """The latest plan, if it is made."""
    run = plan_runs.latest(upload)
    return run if _is_made(run) else None


def _shown(upload: Upload, run: PlanRun) -> dict[str, Any]:
    plan = run.plan
    return {
        "plan": plan,
        "here": here.overwritten(),
        "can_look": kept_rows.is_there(upload.stored, run.pk),
        "choices": Choices.of(plan["choices"]),
        **table_rows.apart(plan["tables"]),
        "sums": table_rows.sums(plan["tables"]),
        "worst": table_rows.worst(plan["tables"]),
        "has_duplicates": plan["choices"].get("drop_duplicates")
        or any(finding["code"] == "restore.duplicate" for finding in plan["findings"]),
        "most_changed": table_rows.most_changed(plan["tables"]),
        "serious": presenting.serious(plan),
        "remarks": presenting.remarks(plan),
        "blocking": presenting.blocking(plan),
        "schema": presenting.schema(plan),
        "grantable": presenting.grantable(plan),
        "access": presenting.access(plan),
        "let_in": presenting.let_in(plan),
        "kit_form": KitForm(),
        "roles_in_file": presenting.roles_in_file(plan),
        "in_file": [a for a in plan["accounts"]["named"] if a.get("role_in_file")],
        "chosen": [name for name, value in plan["choices"].items() if value is True],
        "people": presenting.people_lost(plan["accounts"]),
        "obstructed": presenting.obstructed(plan),
    }
