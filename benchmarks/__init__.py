"""The side-by-side measurements: this project beside PostgreSQL's own tools and Django's.

``make bench`` runs them; docs/performance.md says what is measured and how. The process that measures
loads no Django: what it starts would begin with the memory of whoever started it.
"""
