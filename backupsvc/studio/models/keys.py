"""Keys and tokens that the application makes itself, and the base of every model that has an id."""

import secrets
from uuid import uuid4

from django.db import models

# 256 bits, as docs/security.md asks of whatever opens something.
TOKEN_BYTES = 32


def make_id() -> str:
    """A fresh primary key. It identifies and opens nothing."""
    return str(uuid4())


def make_token() -> str:
    """A fresh secret that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class StudioModel(models.Model):
    """A table whose primary key is a text made by the application."""

    id = models.TextField(primary_key=True, default=make_id, editable=False)

    class Meta:
        abstract = True
