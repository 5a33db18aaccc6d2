"""The database of a process that nobody told which one to use; see ``base``."""
