"""Resetting a password by mail, also for somebody who never had one."""

import unicodedata
from collections.abc import Iterator

from django.contrib.auth.forms import PasswordResetForm

from backupsvc.studio.models import User


class ApprovedAccountsResetForm(PasswordResetForm):
    """Mails a link to approved accounts.

    Django's own form skips accounts without a usable password, and after a restore from a Safe file
    those are everyone; it also asks for a column ``is_active``, which there is not.
    """

    def get_users(self, email: str) -> Iterator[User]:
        matching = User.objects.filter(
            email__iexact=email, approval_status=User.ApprovalStatus.APPROVED
        )
        # The database may fold letters together that are different addresses (CVE-2019-19844).
        return (user for user in matching if _folded(user.email) == _folded(email))


def _folded(address: str) -> str:
    return unicodedata.normalize("NFKC", address).casefold()
