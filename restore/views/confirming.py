"""The last question before a restore: the warnings, the phrase, the password again."""

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from backups.errors import BackupSystemError
from backups.permissions import actor_of, needs
from backups.services import auditing
from backups.translating import message_and_hint
from backups.views.frame import ask_again, page
from restore import jobs
from restore.forms import ConfirmForm
from restore.models import PlanRun, Upload
from restore.services.asking import here, requests
from restore.views import presence, presenting, table_rows, tickets
from restore.views.access import RESTORE, own_upload
from restore.views.importing import TAB
from restore.views.planning import applicable


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@needs(RESTORE, "restore.confirm")
def show(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """Ask, and on the right answer start the restore and hand out the ticket to its live page."""
    upload = own_upload(request, upload_id)
    plan = applicable(upload)
    if plan is None or not upload.is_whole:
        return HttpResponseRedirect(reverse("admin:restore_plan", args=[upload.pk]))
    form = ConfirmForm(
        request,
        request.POST or None,
        initial={"plan": plan.pk},
        reason="restore",
        subject=upload.pk,
    )
    if request.method != "POST":
        return _ask(request, upload, plan, form)
    if request.POST.get("plan") != plan.pk:
        # Another plan was made meanwhile, in another tab say: what was on the page is not what would be.
        return HttpResponseRedirect(reverse("admin:restore_plan", args=[upload.pk]))
    if not form.is_valid():
        auditing.audit(actor_of(request), "restore.confirm", "refused", subject=upload.pk)
        return ask_again(request, form)
    return _start(request, upload, plan, form)


def _start(
    request: HttpRequest, upload: Upload, plan: PlanRun, form: ConfirmForm
) -> HttpResponseBase:
    # Nothing behind this line may ask for the session or the account: the restore may have begun.
    actor, secure = actor_of(request), request.is_secure()
    try:
        run = requests.request_uploaded(upload, plan, actor)
        if not run.job_id:
            jobs.enqueue_restore(run)
    except BackupSystemError as error:
        form.add_error(None, message_and_hint(error))
        return ask_again(request, form)
    response = HttpResponseRedirect(reverse("admin:restore_live", args=[run.pk]))
    tickets.issue(response, run, secure=secure)
    return response


def _ask(
    request: HttpRequest, upload: Upload, plan: PlanRun, form: ConfirmForm
) -> HttpResponseBase:
    tables = plan.plan["tables"]
    return page(
        request,
        "restore/confirm.html",
        title=_("Confirm the restore"),
        tab=TAB,
        upload=upload,
        plan=plan.plan,
        here=here.overwritten(),
        sums=table_rows.sums(tables),
        worst=table_rows.worst(tables),
        people=presenting.people_lost(plan.plan["accounts"]),
        let_in=presenting.let_in(plan.plan),
        lacking=presenting.lacking(plan.plan),
        form=form,
        phrase=requests.PHRASE,
        presence=presence.presence(),
    )
