"""Which addresses may be connected to: the public ones, and those that the installation names.

`GATEBOOK_OUTBOUND_ALLOW` lists ranges (`10.1.0.0/16`), addresses and host names (`mlflow.lan`, `.lan` for all
below it) that may be reached although they are not public.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self

from django.conf import settings
from django.utils.translation import gettext as _

from lifecycle.outbound.errors import OutboundError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Metadata services of clouds that answer on addresses which count as public (to some versions of Python).
_METADATA = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"), ip_network("fd00:ec2::/32"))
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ip_network("::/96")
_HOST = re.compile(
    r"\.?(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


@dataclass(frozen=True)
class AllowList:
    """What may be reached beyond public addresses."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """The list that the words name; ValueError with the first word that names nothing."""
        networks, hosts = [], set()
        for entry in entries:
            word = entry.strip().lower()
            try:
                networks.append(ip_network(word.strip("[]") if "/" not in word else word))
                continue
            except ValueError:
                pass
            # A word of digits and dots alone was meant as an address, and is a wrong one.
            if not _HOST.fullmatch(word) or word.rpartition(".")[2].isdigit():
                raise ValueError(entry)
            hosts.add(word)
        return cls(tuple(networks), frozenset(hosts))

    def names_host(self, host: str) -> bool:
        """Whether a host is on the list by its name, or below a name that begins with a dot."""
        parts = host.split(".")
        above = {"." + ".".join(parts[start:]) for start in range(1, len(parts))}
        return host in self.hosts or not above.isdisjoint(self.hosts)

    def names_address(self, address: Address) -> bool:
        """Whether a range of the list holds the address."""
        return _within(address, self.networks)


def allow_list() -> AllowList:
    """The installation's list."""
    return AllowList.parse(settings.GATEBOOK_OUTBOUND_ALLOW)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, all of them permitted, in the resolver's order.

    Raises `OutboundError`: `unknown_host`, or `refused_address` if one of them may not be connected to. One
    name with a public and a private address is refused as a whole: it is how a check is slipped past.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundError(
            "unknown_host", _("The host “%(host)s” is not known.") % {"host": host}
        ) from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    allowed = allow_list()
    named = allowed.names_host(host)
    for text in addresses:
        if not permitted(ip_address(text.partition("%")[0]), allowed, named=named):
            raise OutboundError(
                "refused_address",
                _(
                    "“%(host)s” is %(address)s, which is not a public address. An administrator may allow it "
                    "with GATEBOOK_OUTBOUND_ALLOW."
                )
                % {"host": host, "address": text},
            )
    return addresses


def permitted(address: Address, allowed: AllowList, *, named: bool = False) -> bool:
    """Whether an address may be connected to; `named` if the allow-list has the name that led to it.

    A name opens private addresses, not those where clouds keep credentials: only a range opens these.
    """
    inner = _embedded(address)
    if allowed.names_address(address) or (inner is not None and allowed.names_address(inner)):
        return True
    every = [address] if inner is None else [address, inner]
    if any(_within(each, (*_METADATA, *_LINK_LOCAL)) for each in every):
        return False
    if named:
        return not any(each.is_multicast or each.is_unspecified for each in every)
    return _public(inner) if inner is not None else _public(address)


def _public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, translated (NAT64), 6to4, Teredo, compatible."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if _within(address, _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
