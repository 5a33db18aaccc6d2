"""The only SQL on the writing side: the one transaction of a restore.

Identifiers come from models and the live catalogues; nothing out of a file is ever SQL.
"""
