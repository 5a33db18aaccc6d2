"""Resetting a password by mail. The admin's sign-in page links here by the name of the first."""

from django.contrib import admin
from django.contrib.auth import views
from django.urls import path

from backupsvc.studio.passwords import ApprovedAccountsResetForm, ResetConfirmView

_frame = {"site_header": admin.site.site_header, "site_title": admin.site.site_title}

urlpatterns = [
    path(
        "admin/password_reset/",
        views.PasswordResetView.as_view(form_class=ApprovedAccountsResetForm, extra_context=_frame),
        name="admin_password_reset",
    ),
    path(
        "admin/password_reset/done/",
        views.PasswordResetDoneView.as_view(extra_context=_frame),
        name="password_reset_done",
    ),
    path(
        "reset/<uidb64>/<token>/",
        ResetConfirmView.as_view(extra_context=_frame),
        name="password_reset_confirm",
    ),
    path(
        "reset/done/",
        views.PasswordResetCompleteView.as_view(extra_context=_frame),
        name="password_reset_complete",
    ),
]
