"""Rows that are in the file and here, and differ: what was edited since goes back, and the plan says so."""

from django.db.models import Value
from django.db.models.functions import Concat

from backups.registry import COMPLETE
from backupsvc.studio.models import Client, Contractor, User
from restore.database import comparing, side_by_side
from restore.plan import Fate
from tests.restore.steps import plan_as, refusal, restore_as
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows


def changes(plan) -> dict[str, int]:
    return {table.table: table.changed for table in plan.tables if table.changed}


def test_nothing_has_changed_just_after_the_backup(studio) -> None:
    assert changes(plan_as(studio.complete)) == {}
    assert changes(plan_as(studio.safe)) == {}


def test_every_edited_row_is_counted(studio) -> None:
    edited = Contractor.objects.update(business_name=Concat("business_name", Value(" (edited)")))
    assert edited and changes(plan_as(studio.complete)) == {"studio_contractor": edited}
    assert changes(plan_as(studio.safe)) == {"studio_contractor": edited}


def test_a_report_says_how_many_rows_went_back(studio) -> None:
    edited = Contractor.objects.update(business_name="edited")
    report = restore_as(studio.complete).report
    assert sum(table["changed"] for table in report["tables"]) == edited
    assert not Contractor.objects.filter(business_name="edited").exists()


def test_what_a_safe_file_leaves_out_and_a_restore_keeps_is_no_change(studio) -> None:
    User.objects.update(password="another")
    assert changes(plan_as(studio.safe)) == {}
    assert changes(plan_as(studio.complete)) == {"studio_user": User.objects.count()}


def test_an_edit_between_plan_and_restore_asks_anew(studio) -> None:
    plan = plan_as(studio.complete)
    Contractor.objects.filter(pk=Contractor.objects.values("pk")[:1]).update(business_name="new")
    assert refusal(studio.complete, confirmed=plan) == "restore.plan_changed"
    assert Contractor.objects.filter(business_name="new").count() == 1


def test_another_edit_of_a_row_that_goes_back_anyway_asks_anew(studio) -> None:
    contractor = Contractor.objects.filter(pk=Contractor.objects.order_by("pk")[0].pk)
    contractor.update(business_name="first")
    plan = plan_as(studio.complete)
    contractor.update(business_name="second")
    assert refusal(studio.complete, confirmed=plan) == "restore.plan_changed"


def test_another_edit_of_a_row_that_is_lost_anyway_asks_anew(studio) -> None:
    client = Client.objects.order_by("pk").first()
    client.pk, client.email = "only-here", "first@studio.example"
    client.save(force_insert=True)
    plan = plan_as(studio.complete)
    Client.objects.filter(pk="only-here").update(email="second@studio.example")
    assert refusal(studio.complete, confirmed=plan) == "restore.plan_changed"


def test_without_the_mark_the_second_edit_would_be_lost_without_a_word(studio, monkeypatch) -> None:
    contractor = Contractor.objects.order_by("pk").first()
    Contractor.objects.filter(pk=contractor.pk).update(business_name="first")
    for module in (comparing, side_by_side):
        monkeypatch.setattr(
            module, "difference", lambda rows, _: comparing.Difference(int(rows), "the same")
        )
    plan = plan_as(studio.complete)
    Contractor.objects.filter(pk=contractor.pk).update(business_name="second")
    assert refusal(studio.complete, confirmed=plan) == ""


def test_values_of_every_type_are_compared_as_they_are_printed(studio) -> None:
    """Among them types without a notion of equality."""
    with writing() as cursor:
        rows.fill(cursor)
    path = stored(back_up(COMPLETE))
    plan = plan_as(path)
    assert changes(plan) == {} and any(t.fate is Fate.REPLACED for t in plan.tables)
    with writing() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'zoo_everytype'::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attname <> 'id'"
        )
        columns = [name for (name,) in cursor.fetchall()]
        listed = ", ".join(f'"{name}" = NULL' for name in columns)
        cursor.execute(
            f"UPDATE zoo_everytype SET {listed} WHERE id = (SELECT max(id) FROM zoo_everytype)"
        )
    assert changes(plan_as(path)) == {"zoo_everytype": 1}
