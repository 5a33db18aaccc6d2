"""File entries that somebody wrote by hand into an artifact."""

import base64
import hashlib
import json
from typing import Any

from tests.restore.forging import Document, Row

CONTENT = b"alert(1)"


def use(section: str, column: str, *keys: Any) -> Row:
    return {"section": section, "column": column, "keys": list(keys)}


def locator(value: str, *uses: Row, storage: str = "default") -> Row:
    return {"value": value, "storage": storage, "uses": list(uses)}


def plant(document: Document, *locators: Row) -> None:
    """Make one embedded file with these locators all that the document has of files, with right counts."""
    entry = {
        "state": "embedded",
        "name": "evil.js",
        "media_type": "text/javascript",
        "locators": list(locators),
        "size_bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    head = json.dumps(entry, separators=(",", ":"))[:-1] + ',"content":'
    content = json.dumps(base64.b64encode(CONTENT).decode())
    document.files = f'\n"1": {head}\n{content}}}\n}},'.encode()
    document.statistics["files"] |= {
        "locators": len({item["value"] for item in locators}),
        "embedded": 1,
        "embedded_bytes": len(CONTENT),
        "skipped": 0,
        "gaps": 0,
    }
