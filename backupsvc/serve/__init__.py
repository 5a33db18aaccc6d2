"""The whole application in the foreground: ``make run``.

One process starts the servers, prepares the database and tends three children (web server,
worker, demo files) until it is told to stop. It is for trying and developing; a production runs
the web server and the worker under a supervisor of its own (docs/operating.md).
"""
