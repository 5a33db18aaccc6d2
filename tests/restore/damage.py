"""What happens to a studio between a backup and the day of its restore."""

import random
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.db.models import Field, Model, ProtectedError, RestrictedError
from django.utils import timezone

from backupsvc.studio.models import Organization, User
from tests.restore.safe_rules import links, safe_tables

Kind = type[Model]


def studio_models() -> list[Kind]:
    return sorted(apps.get_app_config("studio").get_models(), key=lambda m: m._meta.db_table)


def model_of(table: str) -> Kind:
    return next(m for m in studio_models() if m._meta.db_table == table)


class Damage:
    """Inserts, edits and deletes rows. Equal seeds do equal things to equal rows."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._liked: dict[Kind, Any] = {}

    def name(self) -> str:
        return f"{self._random.getrandbits(96):024x}"

    def some(self, kind: Kind) -> Any:
        """Any row, None where there is none."""
        keys = sorted(kind._base_manager.values_list("pk", flat=True))
        return kind._base_manager.get(pk=self._random.choice(keys)) if keys else None

    def clone(self, kind: Kind, **fields: Any) -> Any:
        """A new row like another one, None where the table's rules refuse several of them."""
        attempts = (self._clone_once(kind, fields) for _ in range(5))
        return next((row for row in attempts if row is not None), None)

    def fresh(self, kind: Kind) -> Any:
        """A clone that others like to point at from now on."""
        row = self.clone(kind)
        if row is not None:
            self._liked[kind] = row
        return row

    def _clone_once(self, kind: Kind, fields: dict[str, Any]) -> Any:
        row = self.some(kind)
        if row is None:
            return None
        for field in kind._meta.local_concrete_fields:
            if field.attname not in fields:
                self._vary(row, field)
        for attname, value in fields.items():
            setattr(row, attname, value)
        row._state.adding = True
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            return None
        return row

    def _vary(self, row: Model, field: Field) -> None:
        if field.primary_key or (field.unique and not field.remote_field):
            setattr(row, field.attname, self.name())
        elif field.unique and field.null:
            setattr(row, field.attname, None)
        elif field.unique and field.remote_field:
            target = self.clone(field.related_model)  # type: ignore[arg-type]
            setattr(row, field.attname, target and target.pk)
        elif field.name in _together(row) and field.get_internal_type() == "IntegerField":
            setattr(row, field.attname, self._random.randrange(10**6, 10**9))
        elif field.name in _together(row) and field.get_internal_type() == "TextField":
            setattr(row, field.attname, self.name())
        elif field.remote_field and self._random.random() < 0.5:
            liked = self._liked.get(field.related_model)  # type: ignore[arg-type]
            target = liked or self.some(field.related_model)  # type: ignore[arg-type]
            if target is not None:
                setattr(row, field.attname, target.pk)
        elif field.name == "email":
            setattr(row, field.attname, f"{self.name()}@studio.example")

    def edit(self, kind: Kind) -> None:
        row = self.some(kind)
        if row is None:
            return
        for field in kind._meta.local_concrete_fields:
            if field.get_internal_type() == "TextField" and not (
                field.primary_key or field.unique or field.choices or field.remote_field
            ):
                setattr(row, field.attname, f"edited {self.name()}")
                break
        row.save()

    def delete(self, kind: Kind) -> None:
        """One row goes, with what must go with it; or none, where a rule protects it."""
        row = self.some(kind)
        if row is not None:
            try:
                with transaction.atomic():
                    row.delete()
            except (RestrictedError, ProtectedError):
                pass

    def anything(self, steps: int, *, spare: str) -> None:
        """So many random steps; the account ``spare`` is left alone."""
        for _ in range(steps):
            kind = self._random.choice(studio_models())
            step = self._random.choice([self.clone, self.clone, self.edit, self.delete])
            with transaction.atomic():
                step(kind)
                if not User.objects.filter(email=spare, role="OWNER").exists():
                    transaction.set_rollback(True)


def _together(row: Model) -> set[str]:
    """The fields that are unique together with others and no choices."""
    fields = {name for rule in row._meta.total_unique_constraints for name in rule.fields}
    return {name for name in fields if not row._meta.get_field(name).choices}  # type: ignore[union-attr]


def damage_everything(seed: int, *, spare: str) -> None:
    """Rows come, change and go in every table, and every foreign key meets a target that will go."""
    damage = Damage(seed)
    safe = safe_tables()
    for kind in studio_models():
        with transaction.atomic():
            damage.edit(kind)
            if kind is not Organization:  # it would take half the studio along
                damage.delete(kind)
            if not User.objects.filter(email=spare).exists():
                transaction.set_rollback(True)
    with transaction.atomic():
        fresh = {table: damage.fresh(model_of(table)) for table in safe}
        _point_kept_references_at(_point_outside_rows_at(fresh, damage), damage)
        _change_accounts(damage)
        _use_the_admin()


def _point_outside_rows_at(fresh: dict[str, Any], damage: Damage) -> dict[str, list[Any]]:
    """For each foreign key into Safe, a new row that points at a row the file does not have."""
    made: dict[str, list[Any]] = {}
    for link in links():
        if link.table in fresh or link.table not in _tables():
            continue
        target = fresh.get(link.target)
        if target is not None:
            kind = model_of(link.table)
            row = damage.clone(kind, **{_attname(kind, link.column): target.pk})
            made.setdefault(link.table, []).extend([row] if row else [])
    return made


def _point_kept_references_at(made: dict[str, list[Any]], damage: Damage) -> None:
    """Rows of the file keep references to rows outside, some of which will go."""
    for table, column, target in kept_links():
        kind = model_of(table)
        for outside in made.get(target, []):
            row = damage.some(kind)
            kind._base_manager.filter(pk=row.pk).update(**{_attname(kind, column): outside.pk})


def kept_links() -> Iterator[tuple[str, str, str]]:
    """The references out of Safe: table, column, target's table."""
    safe = safe_tables()
    for link in links():
        if link.column in safe.get(link.table, ()):
            yield link.table, link.column, link.target


def _change_accounts(damage: Damage) -> None:
    """One has a new address, one a new key."""
    people = list(User.objects.exclude(role="OWNER").order_by("email"))
    User.objects.filter(pk=people[2].pk).update(email="moved@studio.example")
    rekey(people[3], f"new-{damage.name()}")


def rekey(user: User, key: str) -> None:
    """The same account under another primary key, all that points at it included."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE studio_user SET id = %s WHERE id = %s", [key, user.pk])
        for link in links():
            if link.target == "studio_user":
                cursor.execute(
                    f'UPDATE "{link.table}" SET "{link.column}" = %s WHERE "{link.column}" = %s',
                    [key, user.pk],
                )


def _use_the_admin() -> None:
    """Everybody leaves a line in the admin's log, those who will be gone too, and a session."""
    kind = ContentType.objects.get_for_model(User)
    for user in User.objects.all():
        LogEntry.objects.create(
            user=user, content_type=kind, object_id=user.pk, object_repr="it", action_flag=ADDITION
        )
        Session.objects.create(
            session_key=f"session-{user.pk}"[:40], session_data="x", expire_date=timezone.now()
        )


def _tables() -> set[str]:
    return {m._meta.db_table for m in studio_models()}


def _attname(kind: Kind, column: str) -> str:
    return next(f.attname for f in kind._meta.local_concrete_fields if f.column == column)
