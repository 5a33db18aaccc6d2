"""What was chosen and changes nothing is said so; and what was confirmed is one file and no other."""

from backupsvc.studio.models import Client
from tests.restore.conftest import OWNER
from tests.restore.forging import foreign, ours
from tests.restore.steps import codes, plan_as, refusal


def test_a_grant_to_nobody_and_a_section_without_such_rows_are_said(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json")
    chosen = {"accept_foreign": True, "grant_roles": (OWNER, "ownr@studio.example")}
    plan = plan_as(file, **chosen, let_in=("sesions",))  # type: ignore[arg-type]
    unmet = [str(f.message) for f in plan.findings if f.code == "restore.choice_unmet"]
    assert len(unmet) == 2
    assert any("ownr@studio.example" in said and OWNER not in said for said in unmet)
    assert any("sesions" in said for said in unmet)
    plan = plan_as(file, accept_foreign=True, grant_roles=(OWNER,), let_in=("sessions",))
    assert "restore.choice_unmet" not in codes(plan)


def test_who_acts_on_a_complete_file_and_is_not_here_is_said(studio) -> None:
    assert (
        codes(plan_as(studio.complete, "nobody@studio.example"))["restore.acting_unknown"]
        == "warning"
    )
    assert "restore.acting_unknown" not in codes(plan_as(studio.complete))
    assert "restore.acting_unknown" not in codes(plan_as(studio.complete, ""))


def test_a_plan_is_of_one_file(studio, tmp_path) -> None:
    """Two files that would lose the same, and bring something else."""

    def named(name: str):
        return ours(
            studio.complete,
            tmp_path / f"{name}.json",
            lambda d: d.change_first("clients", name=name),
        )

    seen, other = named("Seen"), named("Other")
    plan = plan_as(seen)
    assert refusal(other, confirmed=plan) == "restore.plan_changed"
    assert not Client.objects.filter(name__in=("Seen", "Other")).exists()
    assert refusal(seen, confirmed=plan) == ""
    assert Client.objects.filter(name="Seen").exists()
