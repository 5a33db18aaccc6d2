"""ATOMIC_REQUESTS: what is written down of a refused request stays written down."""

import pytest
from django.db import connections
from django.urls import reverse

from backups import sites
from backups.models import AuditEvent


@pytest.fixture
def atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def _refused(sign_in) -> bool:
    assert sign_in("DESIGNER").get(reverse("admin:backups_audit")).status_code == 403
    return AuditEvent.objects.filter(outcome="refused").exists()


def test_a_refusal_is_in_the_audit_trail(atomic, sign_in) -> None:
    assert _refused(sign_in)


def test_within_a_transaction_it_would_be_lost(atomic, sign_in, monkeypatch) -> None:
    """The twin."""
    view = sites.behind_admin(lambda request: None)  # type: ignore[arg-type, return-value]
    assert view._non_atomic_requests == {"default"}  # type: ignore[attr-defined]
    handled = reverse("admin:backups_audit")
    from django.urls import resolve

    monkeypatch.delattr(resolve(handled).func, "_non_atomic_requests")
    assert not _refused(sign_in)


def test_every_page_of_ours_is_outside_of_it() -> None:
    from backups import urls as backup_urls
    from restore import urls as restore_urls

    for pattern in (*backup_urls.urlpatterns, *restore_urls.urlpatterns):
        assert getattr(pattern.callback, "_non_atomic_requests", None) == {"default"}, pattern.name
