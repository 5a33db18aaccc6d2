"""Addresses among which the admin's are missing."""

urlpatterns: list[object] = []
