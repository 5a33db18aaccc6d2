"""A cast of accounts, and one seeded studio for all tests of a module."""

import pytest
from django.db import transaction
from django.test import Client

from backupsvc.studio.demo.seeding import seed_studio
from backupsvc.studio.models import User

PASSWORD = "correct horse battery staple"
APPROVED = User.ApprovalStatus.APPROVED


@pytest.fixture
def account(db):
    """Makes an account, approved unless said otherwise."""

    def make(role=User.Role.DESIGNER, *, password=PASSWORD, approval_status=APPROVED, **fields):
        fields.setdefault("email", f"{role.lower()}@studio.example")
        return User.objects.create_user(
            password=password, role=role, approval_status=approval_status, **fields
        )

    return make


@pytest.fixture
def browser_of():
    """A browser in which somebody has signed in."""

    def sign_in(user):
        browser = Client()
        browser.force_login(user)
        return browser

    return sign_in


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    """The demo studio at scale 1, taken back after the module."""
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
        try:
            seed_studio(1, 1, lambda what, done: None)
            yield
        finally:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)
