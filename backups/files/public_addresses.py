"""Which addresses are outside: looked at where the connection is made, whatever name led there.

requests-hardened resolves a name, refuses what it knows to be inside, and connects to the address that it
looked at. It names what is inside; of IPv6 this names what is outside, so that no way of writing an IPv4
address within one is forgotten. https://www.iana.org/assignments/ipv6-address-space
"""

import ipaddress
from typing import Any

from requests import Session
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# All that is given out of IPv6: no compatible or mapped address, no SIIT, no NAT64, no site-local one.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# In it, but IPv4 addresses in other words: 6to4 and Teredo.
_TRANSLATED = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


def is_public(address: Address) -> bool:
    """Whether a server at this address is outside the network."""
    is_plain = is_given_out(address) and address.is_global
    return is_plain and not address.is_multicast and not address.is_reserved


def is_given_out(address: Address) -> bool:
    """Whether it is no address of IPv6 that is kept for something else, or stands for one of IPv4."""
    return address.version == 4 or (
        address in _GIVEN_OUT and not any(address in network for network in _TRANSLATED)
    )


class PublicAdapter(IPFilterAdapter):
    """Connects to addresses outside alone. Raises InvalidIPAddress."""

    def build_connection_pool_key_attributes(self, *given: Any, **named: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*given, **named)
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if not is_public(address):
            raise InvalidIPAddress(address)
        return host, pool


def only_outside(session: Session) -> None:
    """Let the session connect to addresses outside alone."""
    session.mount("https://", PublicAdapter(is_https_proto=True))
    session.mount("http://", PublicAdapter(is_https_proto=False))
