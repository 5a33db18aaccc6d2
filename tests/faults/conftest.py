"""The same surroundings as for the round trips."""

from tests.roundtrip.conftest import demo, surroundings  # noqa: F401
