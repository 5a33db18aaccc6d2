"""The artifact: one JSON document, written and read as a stream. docs/artifact-format.md describes it.

Pure: no Django, no database. What it does not guarantee: that a file comes from this installation
(that is the HMAC's part, and the caller's decision), and that its rows fit any schema.
"""
