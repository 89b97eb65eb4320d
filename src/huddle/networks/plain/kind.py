"""The network `plain` before a session: no link between parties, but with people who run plain MPyC.

What a party does for them, `huddle.networks.plain.part`, is a part of sessions beside the networks.
"""

from typing import Any

from huddle.networks.base import Check, NetworkContext, NetworkKind
from huddle.networks.plain.part import PlainPart
from huddle.networks.wireguard.keys import Key


class PlainKind(NetworkKind):
    """For those who run plain MPyC behind a WireGuard app."""

    name = "plain"
    needs = (
        "for people without Huddle: a browser to meet, a WireGuard app, MPyC; at all others what "
        "`wireguard` needs, one of them reached by UDP"
    )
    secured_by = "WireGuard, with the keys of the sealed offers, and nothing else"
    seen_by = "anybody on the path, and a party that forwards: addresses, sizes, times"
    links_parties = False
    makes_interfaces = True

    async def examine(self, options: Any) -> list[Check]:
        """Nothing of its own: it needs what the network wireguard needs."""
        return []


def outsider(key: Key | None = None) -> PlainPart:
    """The part of a person who runs plain MPyC by hand, behind a WireGuard app with this key."""
    from huddle.networks.plain.outsider import PlainOutsider

    return PlainOutsider(key or Key.fresh())


def participant(context: NetworkContext) -> PlainPart:
    """The part of a party that links with such people."""
    from huddle.networks.plain.participant import PlainParticipant

    return PlainParticipant(
        context.rendezvous,
        context.crypto.random,
        advertise=context.advertise,
        port=context.port,
        notice=context.notice,
        maker=context.helper,
    )
