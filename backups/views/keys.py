"""The public keys that backups are encrypted to, and the private ones that people give for a piece of work.

A private key is read in this process, used or sealed to the worker that waits for it, and forgotten:
nothing of it is stored, logged or shown.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from backups import conf, permissions
from backups.artifact import age_keys
from backups.errors import BackupSystemError
from backups.forms import AddKeyForm, KeyForm, NewPassphraseForm, PasswordAgainForm
from backups.models import BackupRun, Recipient
from backups.registry import COMPLETE
from backups.services import (
    auditing,
    installation,
    key_requests,
    keyring,
    recipients,
    rotating,
    vault,
)
from backups.translating import message_and_hint
from backups.views.frame import ask_again, page
from backups.views.lookup import run_or_refuse

# Whoever may download a Complete backup decides who can open it.
KEYS = permissions.DOWNLOAD[COMPLETE]
TAB = "keys"


@sensitive_post_parameters("password", "public_key")
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KEYS, "page.keys")
def show(request: HttpRequest) -> HttpResponseBase:
    """The keys, and the form by which one is added: first the key, then the proof that its other half is
    there, and the password."""
    form = AddKeyForm(request, request.POST or None, reason="keys.add")
    if request.method == "POST" and form.is_valid() and _added(request, form):
        return redirect("admin:backups_keys")
    asked = form.asked_public() if form.is_bound else ""
    return page(
        request,
        "backups/keys.html",
        title=_("Keys"),
        tab=TAB,
        keys=[(key, age_keys.fingerprint(key.public_key)) for key in recipients.listed()],
        form=form,
        public=asked,
        fingerprint=age_keys.fingerprint(asked) if asked else "",
        challenge=recipients.challenge(asked) if asked else "",
        obligatory=conf.encrypt_complete(),
        installation=_key_of_today(request),
    )


def _added(request: HttpRequest, form: AddKeyForm) -> bool:
    given = form.cleaned_data
    try:
        key = recipients.add(
            given["public_key"],
            given["name"],
            permissions.actor_of(request),
            proven=recipients.is_answer(given["public_key"], given["answer"]),
            promised=given["promised"],
        )
    except BackupSystemError as error:
        form.add_error(None, message_and_hint(error))
        return False
    messages.success(
        request,
        _(
            "Added: %(name)s. Complete backups made from now on are encrypted to it. Save the recovery"
            " kit anew: it lists the keys."
        )
        % {"name": key.name},
    )
    return True


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KEYS, "keys.remove")
def remove(request: HttpRequest, key_id: str) -> HttpResponseBase:
    """Encrypt to a key no more, after the password."""
    key = get_object_or_404(Recipient, pk=key_id)
    form = PasswordAgainForm(request, request.POST or None, reason="keys.remove", subject=key.pk)
    if request.method == "POST":
        if not form.is_valid():
            return ask_again(request, form)
        recipients.remove(key, permissions.actor_of(request))
        messages.success(
            request, _("Removed. What was encrypted to it still needs its private key.")
        )
        return redirect("admin:backups_keys")
    return page(
        request,
        "backups/remove_key.html",
        title=_("Remove this key?"),
        tab=TAB,
        key=key,
        fingerprint=age_keys.fingerprint(key.public_key),
        is_last=Recipient.objects.count() == 1,
        form=form,
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KEYS, "key.rotate")
def rotate(request: HttpRequest) -> HttpResponseBase:
    """A new key of the installation, after the password. The recovery kit is to be saved anew then, so that
    page comes next."""
    today = _key_of_today(request)
    form = PasswordAgainForm(request, request.POST or None, reason="key.rotate", subject=today)
    if request.method == "POST":
        if not form.is_valid():
            return ask_again(request, form)
        try:
            # Of a form that was sent twice the second finds another key than its page showed.
            rotating.rotate(
                permissions.actor_of(request), of=request.POST.get("today", "") or "none"
            )
        except BackupSystemError as error:
            messages.error(request, message_and_hint(error))
            return redirect("admin:backups_keys")
        messages.success(
            request,
            _(
                "Changed. Backups are signed with the new key from now on, and all that were made before stay"
                " authentic here. Save the recovery kit anew now: an old one proves only what is older."
            ),
        )
        return redirect("admin:backups_kit")
    return page(
        request,
        "backups/rotate_key.html",
        title=_("Change the key of the installation?"),
        tab=TAB,
        today=today,
        former=len(installation.former_keys()) if today else 0,
        form=form,
    )


def _key_of_today(request: HttpRequest) -> str:
    """The installation's name; empty where its key cannot be read, which is said."""
    try:
        return installation.name()
    except BackupSystemError as error:
        messages.error(request, message_and_hint(error))
        return ""


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KEYS, "keys.give")
def give(request: HttpRequest, work_id: str) -> HttpResponseBase:
    """Seal a private key to the worker that asks for it."""
    asked = key_requests.pending(work_id)
    back = _back(request)
    if asked is None:
        return HttpResponseRedirect(back)
    kind = NewPassphraseForm if asked.to_make else KeyForm
    form = kind(request.POST, request.FILES) if request.method == "POST" else kind()
    if request.method == "POST" and form.is_valid():
        try:
            there = key_requests.give(asked, form.keys())
        except BackupSystemError as error:
            form.add_error(None, message_and_hint(error))
        else:
            outcome = "done" if there else "failed"
            auditing.audit(permissions.actor_of(request), "keys.give", outcome, subject=work_id)
            return HttpResponseRedirect(back)
    return _private(
        page(
            request,
            "backups/give_key.html",
            title=_("A passphrase is needed") if asked.to_make else _("The private key is needed"),
            tab="history",
            form=form,
            back=back,
            refused=asked.refused,
            to_make=asked.to_make,
            minutes=max(1, round(conf.key_wait_seconds() / 60)),
        )
    )


@sensitive_variables()
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(KEYS, "keys.try")
def attempt(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Whether a private key opens a backup, tried here and now."""
    run = run_or_refuse(request, run_id, "keys.try")
    if not (run.encryption and run.artifact):
        return redirect("admin:backups_run", run.pk)
    posted = request.method == "POST"
    form = KeyForm(request.POST, request.FILES) if posted else KeyForm()
    opened = None
    if request.method == "POST" and form.is_valid():
        try:
            opened = _opened(run, form)
        except BackupSystemError as error:
            form.add_error(None, message_and_hint(error))
        else:
            outcome = "succeeded" if opened else "refused"
            auditing.audit(permissions.actor_of(request), "keys.try", outcome, subject=run.pk)
    return _private(
        page(
            request,
            "backups/try_key.html",
            title=_("Try my key"),
            tab="history",
            run=run,
            form=form,
            opened=opened,
        )
    )


@sensitive_variables()
def _opened(run: BackupRun, form: KeyForm) -> bool:
    with keyring.held(form.keys()):
        return keyring.opens(vault.path_of(run.artifact))


def _back(request: HttpRequest) -> str:
    """The page that led here, if it is one of ours."""
    asked = str(request.GET.get("back", ""))
    if url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return reverse("admin:backups_history")


def _private(answer: Any) -> HttpResponseBase:
    answer["Cache-Control"] = "no-store, private"
    answer["Referrer-Policy"] = "same-origin"
    done: HttpResponseBase = answer
    return done
