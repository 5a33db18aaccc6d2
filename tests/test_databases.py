"""What the tests' own ground does where an earlier test has left something lying about."""

import os
from contextlib import closing

import psycopg2
import pytest

from tests import databases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("left_by", ["the application", "the superuser"])
def test_a_session_that_a_test_left_fails_no_later_test(left_by):
    with closing(databases.superuser() if left_by == "the superuser" else _another()) as left:
        with left.cursor() as cursor:
            cursor.execute("SELECT 'of whoever failed'")
        with (
            pytest.warns(UserWarning, match="of whoever failed"),
            databases.copy_of_database("kept"),
        ):
            pass
        with pytest.raises(psycopg2.OperationalError), left.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_without_that_the_copy_is_refused(monkeypatch):
    monkeypatch.setattr(databases, "leave_nobody_in", lambda name: None)
    with (
        closing(_another()),
        pytest.raises(psycopg2.errors.ObjectInUse),
        databases.copy_of_database("kept"),
    ):
        pass


def _another():
    return psycopg2.connect(os.environ["DATABASE_URL"])
