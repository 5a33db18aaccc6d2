"""Where file content comes from: Django's storages and HTTP. No SQL in here."""
