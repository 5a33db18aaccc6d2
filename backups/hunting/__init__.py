"""Secrets looked for by their values, in whatever form they stand. No Django, no SQL and no web in here.

``forms`` says how a value may be written, ``views`` takes escapes off a text, ``matcher`` looks for very
many values at once, ``marking`` puts a marker in their place, cell by cell, and ``credentials`` knows what
credentials look like that no column holds. What is not claimed: a secret that was encrypted, compressed,
hashed or taken apart is not found.
"""
