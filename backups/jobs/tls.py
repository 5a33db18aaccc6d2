"""Whether a server that ends our connection without a word would have spoken TLS."""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

LOOK_SECONDS = 2
# What is no TLS at all, or no answer.
_NO_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", None)


def is_wanted(address: Mapping[str, Any]) -> bool:
    """``address`` is how our client connects. Sends nothing but the beginning of a handshake."""
    if "host" not in address:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is told to whoever answers
    place = (str(address["host"]), int(address.get("port", 6379)))
    try:
        with socket.create_connection(place, LOOK_SECONDS) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return error.reason not in _NO_TLS  # it objects in TLS's own words
    except OSError:
        return False
