"""The only SQL on the reading side. Identifiers come from models and are quoted by psycopg2's ``sql``."""
