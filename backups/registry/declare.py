"""``section`` and ``exclude``: the two words of a ``sections`` module."""

from collections.abc import Iterable, Mapping

from django.apps import apps
from django.db.models import Model

from backups.registry.accounts import Accounts
from backups.registry.files import FileLocator
from backups.registry.moves import RenamedColumn, RenamedSection, RenamedValue
from backups.registry.redaction import Omit
from backups.registry.registry import Registry, registry
from backups.registry.scopes import COMPLETE, SAFE, Scope
from backups.registry.sections import Exclusion, Section


def section(
    model: type[Model],
    *,
    key: str,
    group: str,
    scopes: Iterable[Scope],
    safe_columns: str = "",
    redact: Mapping[str, Omit] | None = None,
    natural_key: str = "",
    secret: str = "",
    files: Iterable[FileLocator] = (),
    accounts: Accounts | None = None,
    revoked: Mapping[str, str] | None = None,
    no_files: Mapping[str, str] | None = None,
    content_types: str = "",
    framework: bool = False,
    lets_in: bool | None = None,
    to: Registry = registry,
) -> None:
    """Declare one table. Lists of fields are given as one string, separated by blanks.

    ``group`` is the heading under which pages show the table, in the reader's language where
    ``backups.wording`` made it.
    ``safe_columns`` and ``redact`` together name every column of a Safe section, each once.
    ``natural_key`` names unique fields by which a row is found again when its primary key is not.
    ``secret`` names the columns whose values open something.
    ``accounts`` says that the rows are accounts, and which field means what.
    ``revoked`` gives the values, as PostgreSQL prints them, of a row that was revoked.
    ``no_files`` names the file fields whose files no backup holds, each with the reason.
    ``content_types`` names number fields that hold a content type without being a foreign key.
    ``lets_in``: a row lets somebody in, as a session, a linked login or a token does; of a foreign file such
    rows come only when asked for. Left out, it is so where the section is in Complete alone and has a
    ``secret``, and of sessions and tokens that Django and well-known apps bring.
    ``framework``: a table of Django's own, counted apart; a declaration of the project's goes before it.
    """
    to.add_section(
        Section(
            model=model,
            key=key,
            group=group,
            scopes=frozenset(scopes),
            safe_columns=tuple(safe_columns.split()),
            redact=dict(redact or {}),
            natural_key=tuple(natural_key.split()),
            secret=tuple(secret.split()),
            files=tuple(files),
            accounts=accounts,
            revoked=dict(revoked or {}),
            no_files=dict(no_files or {}),
            content_types=tuple(content_types.split()),
            framework=framework,
            lets_in=lets_in,
        )
    )


def exclude(
    model: type[Model] | str, *, because: str, schema: str = "", to: Registry = registry
) -> None:
    """Declare that a table is never backed up, with the reason. Made by ``backups.wording``, it is shown
    in the reader's language.

    A string is a model's label when it has a dot (a label that is not installed says nothing), and
    otherwise the name of a table without a model. With ``schema`` it is always a name: that of a table
    in this schema, or ``*`` for all that lie there and no backup would hold.
    """
    if isinstance(model, str):
        if schema or "." not in model:
            table = f"{schema}.{model}" if schema else model
            to.add_exclusion(Exclusion(table=table, because=because))
            return
        try:
            model = apps.get_model(model)
        except LookupError:
            return
    to.add_exclusion(Exclusion(table=model._meta.db_table, because=because, model=model))


def renamed_section(*, old: str, key: str, until: str, to: Registry = registry) -> None:
    """Let files that call the section ``key`` by its ``old`` name restore, until version ``until``."""
    to.add_move(RenamedSection(old, key, until))


def renamed_column(*, key: str, old: str, field: str, until: str, to: Registry = registry) -> None:
    """Let files in which ``field`` of section ``key`` is the column ``old`` restore."""
    to.add_move(RenamedColumn(key, old, field, until))


def renamed_value(
    *, key: str, field: str, old: str, new: str, until: str, to: Registry = registry
) -> None:
    """Let files in which ``field`` of section ``key`` holds ``old`` restore, as ``new``.

    Of several for one field each goes on from what those before it made.
    """
    to.add_move(RenamedValue(key, field, old, new, until))


__all__ = [
    "COMPLETE",
    "SAFE",
    "exclude",
    "renamed_column",
    "renamed_section",
    "renamed_value",
    "section",
]
