"""Secrets looked for by their values, in whatever form they stand. No Django, no SQL and no web in here.

``forms`` says how a value may be written, ``views`` takes escapes off a text, ``matcher`` looks for very
many values at once, ``cells`` puts a marker in their place where that is all there is to do, ``marking`` in
any other cell, by ``marks``, and ``credentials`` knows what credentials look like that no column holds. What
is not claimed: a secret that was encrypted, compressed, hashed or taken apart is not found.
"""
