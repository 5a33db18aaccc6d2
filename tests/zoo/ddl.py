"""What the zoo's migration says in SQL: types before the tables, and what no model can say after."""

from tests.zoo.types import OPTIONAL_TYPES, TYPE_DEFINITIONS


def _extension(name: str) -> str:
    return f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_available_extensions WHERE name = '{name}') THEN
            CREATE EXTENSION IF NOT EXISTS {name};
        ELSE
            CREATE DOMAIN {name} AS text;
        END IF;
    END $$
    """


# Whichever order of words this server knows that is not the one of code points.
_COLLATION = """
DO $$ BEGIN
    BEGIN
        CREATE COLLATION zoo_words (provider = icu, locale = 'de');
    EXCEPTION WHEN OTHERS THEN
        BEGIN
            CREATE COLLATION zoo_words (provider = libc, locale = 'en_US.utf8');
        EXCEPTION WHEN OTHERS THEN
            CREATE COLLATION zoo_words (provider = libc, locale = 'C.utf8');
        END;
    END;
END $$
"""

TYPES = [*(_extension(name) for name in OPTIONAL_TYPES), _COLLATION, *TYPE_DEFINITIONS]

NUMBERS = [
    "ALTER SEQUENCE zoo_descending_id_seq INCREMENT BY -3 MINVALUE -9000 MAXVALUE -5"
    " START WITH -5 RESTART WITH -5",
    "CREATE SEQUENCE zoo_alone INCREMENT BY 11 START WITH 1000 CYCLE MAXVALUE 2000",
    "CREATE SEQUENCE zoo_alone_unused START WITH 9223372036854775807",
    'CREATE SEQUENCE "zoo ""alone"" 100%" AS smallint',
]

# Two that would change rows, one of them always; one that is off and must stay off; one that only
# replication fires; one at the end of the transaction.
TRIGGERS = [
    """
    CREATE FUNCTION zoo_alter() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.note := NEW.note || '' altered''; NEW.times := NEW.times + 1; RETURN NEW; END'
    """,
    """
    CREATE FUNCTION zoo_refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''refused''; END'
    """,
    "CREATE TRIGGER zoo_ordinary BEFORE INSERT OR UPDATE ON zoo_altered FOR EACH ROW"
    " EXECUTE FUNCTION zoo_alter()",
    'CREATE TRIGGER "zoo ""Always""" BEFORE INSERT OR UPDATE ON zoo_altered FOR EACH ROW'
    " EXECUTE FUNCTION zoo_alter()",
    'ALTER TABLE zoo_altered ENABLE ALWAYS TRIGGER "zoo ""Always"""',
    "CREATE TRIGGER zoo_off BEFORE INSERT ON zoo_altered FOR EACH ROW"
    " EXECUTE FUNCTION zoo_refuse()",
    "ALTER TABLE zoo_altered DISABLE TRIGGER zoo_off",
    "CREATE TRIGGER zoo_replica BEFORE INSERT ON zoo_altered FOR EACH ROW"
    " EXECUTE FUNCTION zoo_refuse()",
    "ALTER TABLE zoo_altered ENABLE REPLICA TRIGGER zoo_replica",
    "CREATE CONSTRAINT TRIGGER zoo_late AFTER INSERT ON zoo_altered DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW WHEN (NEW.times > 1000) EXECUTE FUNCTION zoo_refuse()",
]

UNCHECKED = (
    "ALTER TABLE zoo_pointer ADD CONSTRAINT zoo_unchecked FOREIGN KEY (unchecked)"
    " REFERENCES zoo_target NOT VALID"
)
REFERENCES = [
    'ALTER TABLE zoo_pointer ADD CONSTRAINT "zoo ""deferred"" 100%" FOREIGN KEY (deferred)'
    " REFERENCES zoo_target DEFERRABLE INITIALLY IMMEDIATE",
    'COMMENT ON CONSTRAINT "zoo ""deferred"" 100%" ON zoo_pointer IS \'it\'\'s a "comment" at 100%s\'',
    UNCHECKED,
    "ALTER TABLE zoo_pointer ADD CONSTRAINT zoo_emptied FOREIGN KEY (emptied)"
    " REFERENCES zoo_target (code) ON UPDATE CASCADE ON DELETE SET NULL",
    "ALTER TABLE zoo_pointer ADD CONSTRAINT zoo_both FOREIGN KEY (both_part, both_code)"
    " REFERENCES zoo_target (part, code) MATCH FULL ON DELETE CASCADE",
]

UNMANAGED = [
    '''
    CREATE TABLE "zoo ""quoted"" 100%" (
        "the ""id""" text PRIMARY KEY, "100%s" text NOT NULL, "back\\slash" text NOT NULL,
        "two\nlines" text NOT NULL, "{""json""}\t:" jsonb, """" integer[]
    )
    ''',
    "CREATE TABLE zoo_reading (year integer, number integer, note text, PRIMARY KEY (year, number))"
    " PARTITION BY RANGE (year)",
    "CREATE TABLE zoo_reading_old PARTITION OF zoo_reading FOR VALUES FROM (MINVALUE) TO (2000)",
    "CREATE TABLE zoo_reading_new PARTITION OF zoo_reading DEFAULT",
    "CREATE TABLE zoo_vessel (id integer PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE zoo_boat (PRIMARY KEY (id), oars integer NOT NULL) INHERITS (zoo_vessel)",
]

# A column that was dropped leaves a hole in the numbering of the others.
LEFTOVERS = [
    "ALTER TABLE zoo_keeper ADD COLUMN dropped text",
    "ALTER TABLE zoo_keeper ADD COLUMN age integer DEFAULT 7",
    "ALTER TABLE zoo_keeper DROP COLUMN dropped",
    "ALTER TABLE zoo_keeper DROP COLUMN age",
    "ALTER TABLE zoo_shy SET UNLOGGED",
]

FEATURES = [*NUMBERS, *TRIGGERS, *REFERENCES, *UNMANAGED, *LEFTOVERS]
