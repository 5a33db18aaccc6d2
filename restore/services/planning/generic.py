"""Rows outside the file that name rows of it by a content type and a key, as ``GenericForeignKey`` has it.

No key of the database knows of them, so they do not follow where the row that they mean has another key in
the file. Those that give rights would give them on what stands under that key then: nothing is restored.
"""

from collections.abc import Iterator, Mapping

from django.apps import apps
from django.db.models import Model

from backups.database.connection import Connection
from backups.database.table_reading import column_of
from backups.findings import Finding, Severity
from backups.registry import registry
from backups.registry.access import access_tables
from backups.wording import _, ngettext
from restore.database import repointing
from restore.database.repointing import Becoming, Named
from restore.services.planning.naming import CONTENT_TYPES
from restore.services.planning.pairing import numbers_of_others
from restore.services.planning.staging import Prepared


def findings(
    connection: Connection, prepared: Prepared, becoming: Mapping[str, Becoming]
) -> Iterator[Finding]:
    """``becoming``: by table, the keys of now that mean another row afterwards."""
    written = {table.name for table in prepared.matched.written}
    give_rights = access_tables(registry)
    for model, named in _named(prepared) if becoming else ():
        table = prepared.tables.get(model._meta.db_table)
        if table is None or table.name in written:
            continue
        for target, keys in becoming.items():
            count = repointing.count_named(connection, table, named, _labels(target), keys)
            if count and table.name in give_rights:
                yield _rights_of_others(table.name, target, count)
            else:
                yield from numbers_of_others(target, {table.name: count})


def _named(prepared: Prepared) -> Iterator[tuple[type[Model], Named]]:
    """Every model that names rows so, and by which columns."""
    if not apps.is_installed("django.contrib.contenttypes"):
        return
    types = prepared.tables.get(apps.get_model(CONTENT_TYPES)._meta.db_table)
    if types is None:
        return
    # At its first need: the module has a model, which a project without the app has not.
    from django.contrib.contenttypes.fields import GenericForeignKey

    for model in _models():
        for one in model._meta.private_fields:
            if isinstance(one, GenericForeignKey):
                columns = (column_of(model, one.ct_field), column_of(model, one.fk_field))
                yield model, Named(types, *columns)


def _models() -> list[type[Model]]:
    """Those with a table of their own, once each."""
    known = [*apps.get_models(include_auto_created=True), *(s.model for s in registry.sections)]
    return [m for m in dict.fromkeys(known) if not m._meta.proxy]


def _labels(table: str) -> list[tuple[str, str]]:
    """What content types call the rows of a table: every model that has them, proxies too."""
    known = [*apps.get_models(), *(section.model for section in registry.sections)]
    return [
        (model._meta.app_label, str(model._meta.model_name))
        for model in dict.fromkeys(known)
        if model._meta.db_table == table
    ]


def _rights_of_others(table: str, target: str, count: int) -> Finding:
    return Finding(
        "restore.rights_of_others",
        Severity.ERROR,
        ngettext(
            "{n} row of {table} is not taken out of the file and gives rights on a row of {target}, by a key"
            " that is another row's afterwards.",
            "{n} rows of {table} are not taken out of the file and give rights on rows of {target}, by keys"
            " that are other rows' afterwards.",
            count,
            table=table,
            target=target,
        ),
        _(
            "Remove them before, and give these rights anew afterwards. Or, where the file has the table and"
            " you trust whoever made it, say that its rows come."
        ),
        table=table,
        count=count,
    )
