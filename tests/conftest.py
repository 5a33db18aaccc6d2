"""Fixtures for all tests. Servers and settings come from ``tests.settings``."""
