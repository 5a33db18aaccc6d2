"""The studio: its tables against the facts, its accounts, its admin, its demo data."""
