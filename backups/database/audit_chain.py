"""The audit trail's guard and chain, which the database keeps itself: whoever writes, by whatever way.

Triggers of the table refuse UPDATE, DELETE and TRUNCATE, and give each event a number and a hash over
itself and the event before it. They do so at the end of the transaction (deferred constraint triggers), in
two rounds: what else a transaction puts off to its end, the checks of foreign keys, comes first, so that the
lock by which writers follow one another is the last that any of them waits for. So there is no fork, no
deadlock, and nobody waits for a transaction that is still at work.

A transaction that sees one instant only (REPEATABLE READ, SERIALIZABLE) cannot see what was chained since:
its events are marked as waiting, and ``link_waiting`` gives them their places right after the commit.
https://www.postgresql.org/docs/current/sql-createtrigger.html

The owner of the table can drop the triggers and write the whole chain anew. That its head is not the one that
was noted outside the database is what tells then: ``services.audit_trail``.

A change of the functions needs a migration that calls ``install`` again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from psycopg2.extensions import connection as Connection

from backups.database.connection import connected, database_errors

TABLE = "backups_auditevent"
# The lock that writers take one after the other: a number in the space of our locks, see ``locks``.
_LOCK = "195821569, 1"

# What stands in the place of the hash of an event that waits for its place.
WAITS = "waits"

# What an event says, as text that no setting of a session changes; ``t`` is its row.
_CONTENT = """jsonb_build_array(t.id, to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    t.action, t.outcome, t.person_id, t.person_name, t.person_email, t.address, t.subject, t.details)::text"""
# Over the hash before it, its number and what it says, a line each.
_HASH = f"encode(sha256(convert_to(concat_ws(E'\\n', $1, $2, {_CONTENT}), 'UTF8')), 'hex')"

_KEEP = """
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.number := NULL;
    NEW.hash := '';
    RETURN NEW;
  ELSIF TG_OP = 'UPDATE' THEN
    -- The chain's own triggers, once for each event, within the transaction that wrote it or, for an event
    -- that waits, in the one that asks for its place.
    IF to_jsonb(NEW) - '{number,hash}'::text[] = to_jsonb(OLD) - '{number,hash}'::text[]
       AND (pg_trigger_depth() > 1 AND OLD.hash = ''
            OR OLD.hash = 'waits' AND NEW.hash = '' AND NEW.number IS NULL) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'The audit trail is only added to: % is refused.', TG_OP
    USING ERRCODE = 'restrict_violation';
END
"""
_QUEUE = """
BEGIN
  EXECUTE format('UPDATE %I.%I SET number = NULL, hash = $2 WHERE id = $1 AND hash = ''''',
    TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.id,
    CASE WHEN current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
      THEN 'waits' ELSE '' END;
  RETURN NULL;
END
"""
_LINK = f"""
DECLARE
  head record;
BEGIN
  PERFORM pg_advisory_xact_lock({_LOCK});
  EXECUTE format('SELECT number, hash FROM %I.%I WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1',
    TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO head;
  EXECUTE format($update$
      UPDATE %I.%I AS t SET number = $2, hash = {_HASH.replace("%", "%%")} WHERE t.id = $3 AND t.hash = ''
    $update$, TG_TABLE_SCHEMA, TG_TABLE_NAME)
    USING coalesce(head.hash, ''), coalesce(head.number, 0) + 1, NEW.id;
  RETURN NULL;
END
"""

# By its name, each function's text.
FUNCTIONS = {
    "backups_audit_keep": _KEEP,
    "backups_audit_queue": _QUEUE,
    "backups_audit_link": _LINK,
}


@dataclass(frozen=True)
class Trigger:
    """``kind`` is ``pg_trigger.tgtype``: when it is called, and for what."""

    kind: int
    when: str
    does: str


_AT_THE_END = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
TRIGGERS = {
    "backups_audit_keep": Trigger(
        0b011111,
        "TRIGGER {name} BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW",
        "backups_audit_keep",
    ),
    "backups_audit_keep_all": Trigger(
        0b100010, "TRIGGER {name} BEFORE TRUNCATE ON {table}", "backups_audit_keep"
    ),
    "backups_audit_queue": Trigger(
        0b000101,
        f"CONSTRAINT TRIGGER {{name}} AFTER INSERT ON {{table}} {_AT_THE_END}",
        "backups_audit_queue",
    ),
    "backups_audit_link": Trigger(
        0b010001,
        f"CONSTRAINT TRIGGER {{name}} AFTER UPDATE ON {{table}} {_AT_THE_END} WHEN (NEW.hash = '')",
        "backups_audit_link",
    ),
}


class Cursor(Protocol):
    """Django's, which a migration has, or the driver's own."""

    def execute(self, query: str, /) -> object: ...


def install(cursor: Cursor) -> None:
    """Functions and triggers, in place of those that are there."""
    uninstall(cursor)
    for name, text in FUNCTIONS.items():
        cursor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = pg_catalog, pg_temp AS $function${text}$function$"
        )
    for name, trigger in TRIGGERS.items():
        when = trigger.when.format(name=name, table=TABLE)
        cursor.execute(f"CREATE {when} EXECUTE FUNCTION {trigger.does}()")


def uninstall(cursor: Cursor) -> None:
    """The table as any other, the chain as it is."""
    for name in TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {TABLE}")
    for name in FUNCTIONS:
        cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def put_back() -> None:
    """``install`` in the live database. Raises DatabaseFailure."""
    with database_errors(), connected(purpose="audit") as connection, connection.cursor() as cursor:
        install(cursor)
        connection.commit()


def see_each_commit(cursor: Cursor) -> None:
    """Let the transaction, of which this is the first statement, see what others commit meanwhile."""
    cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def link_waiting() -> None:
    """Give the events that wait their places; nothing where none does. Raises DatabaseFailure."""
    with database_errors(), connected(purpose="audit") as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="READ COMMITTED")
        cursor.execute(f"UPDATE {TABLE} SET hash = '' WHERE number IS NULL AND hash = '{WAITS}'")
        connection.commit()


def chain_all(cursor: Cursor) -> None:
    """Number and chain all events that are there, oldest first. Only without the triggers."""
    text = _HASH.replace("$1", "before").replace("$2", "n")
    cursor.execute(
        f"""DO $all$
        DECLARE one bigint; n bigint := 0; before text := '';
        BEGIN
          FOR one IN SELECT id FROM {TABLE} ORDER BY id LOOP
            n := n + 1;
            UPDATE {TABLE} AS t SET number = n, hash = {text} WHERE t.id = one RETURNING t.hash INTO before;
          END LOOP;
        END $all$"""
    )


@dataclass(frozen=True)
class Link:
    """An event's place in the chain. ``number`` is None and ``hash`` empty where it has none."""

    id: int
    number: int | None
    hash: str
    content: bytes

    def hash_after(self, before: str) -> str:
        """What the hash must be behind an event with the hash ``before``."""
        return hashlib.sha256(f"{before}\n{self.number}\n".encode() + self.content).hexdigest()


def links(connection: Connection, *, after: int | None = None) -> Iterator[Link]:
    """All events in the chain's order, or those ``after`` one; those without a place in it last. Within one
    transaction.

    Raises DatabaseFailure.
    """
    behind = "" if after is None else f"WHERE t.number > {int(after)} OR t.number IS NULL"
    with database_errors(), connection.cursor(name="audit_chain") as cursor:
        cursor.itersize = 5000
        cursor.execute(
            f"SELECT t.id, t.number, t.hash, convert_to({_CONTENT}, 'UTF8')"
            f" FROM {TABLE} AS t {behind} ORDER BY t.number NULLS LAST, t.id"
        )
        for id_, number, hash_, content in cursor:
            yield Link(id_, number, hash_, bytes(content))


def hash_at(connection: Connection, number: int) -> str:
    """What stands as the hash of the event at a place; empty where there is none. Raises DatabaseFailure."""
    with database_errors(), connection.cursor() as cursor:
        cursor.execute(f"SELECT hash FROM {TABLE} WHERE number = %s", [number])
        found = cursor.fetchone()
    return str(found[0]) if found else ""


def newest(connection: Connection) -> tuple[int, str] | None:
    """The place and the hash of the chain's head; None where there is none. Raises DatabaseFailure."""
    with database_errors(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, hash FROM {TABLE} WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
        )
        found = cursor.fetchone()
    return (int(found[0]), str(found[1])) if found else None


def missing_guards(connection: Connection) -> list[str]:
    """The names of triggers that are not there, are switched off or do something else.

    Raises DatabaseFailure.
    """
    with database_errors(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, t.tgtype, p.proname, p.prosrc FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = %s::regclass"
            " AND t.tgenabled IN ('O', 'A') AND (t.tgqual IS NULL OR t.tgname = 'backups_audit_link')",
            [TABLE],
        )
        found = {name: (kind, does, text) for name, kind, does, text in cursor.fetchall()}
    return [
        name
        for name, trigger in TRIGGERS.items()
        if found.get(name) != (trigger.kind, trigger.does, FUNCTIONS[trigger.does])
    ]
