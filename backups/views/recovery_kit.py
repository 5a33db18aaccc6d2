"""The recovery kit: after the password again a page to print and a small file."""

import io

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from backups import conf, permissions
from backups.artifact import age_keys
from backups.artifact.age_keys import Identity
from backups.errors import BackupSystemError
from backups.forms import IdentityForm, PasswordAgainForm
from backups.registry import COMPLETE
from backups.services import auditing, installation, recipients, recovery_kit, software
from backups.translating import message_and_hint
from backups.views import grants
from backups.views.frame import page

# Whoever may download a Complete backup can see every row anyway, and nobody else may forge one.
KIT = permissions.DOWNLOAD[COMPLETE]
ACTION = "kit"
_PRIVATE = {"Cache-Control": "no-store, private", "Referrer-Policy": "same-origin"}


@sensitive_variables("kit")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KIT, ACTION)
def show(request: HttpRequest) -> HttpResponseBase:
    """What the kit is for; after the password the kit itself."""
    form = PasswordAgainForm(request, request.POST or None, reason=ACTION)
    if request.method == "POST" and form.is_valid():
        response = redirect("admin:backups_kit")
        grants.grant(request, response, _door())
        return response
    granted = grants.is_granted(request, _door())
    kit = recovery_kit.current() if granted else None
    if kit is not None and request.method == "GET":
        auditing.audit(permissions.actor_of(request), ACTION, "shown", subject=kit.installation)
    answer = page(
        request,
        "backups/recovery_kit.html",
        title=_("Recovery kit"),
        tab="dashboard",
        form=form,
        kit=kit,
        qr=_qr(kit) if kit else "",
        saved=recovery_kit.last_saved(),
        changed=recovery_kit.was_changed(),
        keys=[(key, age_keys.fingerprint(key.public_key)) for key in recipients.listed()],
        safety_key=kit.identities[0].told() if kit and kit.identities else "",
        identity_form=IdentityForm(),
        application=conf.application(),
        software=software.in_words(),
        steps=recovery_kit.STEPS,
        now=timezone.now(),
    )
    for name, value in _PRIVATE.items():
        answer.headers[name] = value
    return answer


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KIT, ACTION)
def file(request: HttpRequest) -> HttpResponseBase:
    """The small file; posted to with a private key, that stands in it as well. From then on the kit counts as
    saved."""
    if not grants.is_granted(request, _door()):
        auditing.audit(permissions.actor_of(request), ACTION, "password wanted")
        return redirect("admin:backups_kit")
    private_keys: list[Identity] = []
    if request.method == "POST":
        form = IdentityForm(request.POST, request.FILES)
        try:
            private_keys = form.identities() if form.is_valid() else []
        except BackupSystemError as error:
            messages.error(request, message_and_hint(error))
            return redirect("admin:backups_kit")
    if request.method != "HEAD":
        recovery_kit.note_saved(permissions.actor_of(request), how="file")
    return HttpResponse(
        recovery_kit.as_file(recovery_kit.current(), private_keys=private_keys),
        content_type="application/json",
        headers={
            **_PRIVATE,
            "Content-Disposition": f'attachment; filename="{recovery_kit.FILE_NAME}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@require_POST
@permissions.needs(KIT, ACTION)
def printed(request: HttpRequest) -> HttpResponseBase:
    """Somebody says that the page is on paper, which counts as saved; believed after the password alone."""
    if grants.is_granted(request, _door()):
        recovery_kit.note_saved(permissions.actor_of(request), how="paper")
        return redirect("admin:backups_backuprun_changelist")
    return redirect("admin:backups_kit")


def _door() -> grants.Door:
    """Of the key of today: a cookie from before a change opens nothing."""
    return grants.Door("recovery-kit", f"kit {installation.name()}", reverse("admin:backups_kit"))


def _qr(kit: recovery_kit.RecoveryKit) -> SafeString:
    """The key's text as an image that needs neither script nor style."""
    out = io.BytesIO()
    code = segno.make(kit.text, error="m", micro=False)
    code.save(out, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True, light="#fff")
    return SafeString(out.getvalue().decode())
