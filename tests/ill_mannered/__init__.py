"""A project whose migrations and signals work on whatever "default" is, as many do. See ``apps``."""
