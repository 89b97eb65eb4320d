"""The network `plain` before a session: no link between parties, but with people who run plain MPyC.

What a party does for them is a part of sessions beside the networks; see `huddle.networks.outsiders`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from huddle.networks.base import Check, NetworkContext, NetworkKind
from huddle.networks.outsiders import OutsiderPart
from huddle.networks.wireguard.keys import Key
from huddle.networks.wireguard.kind import WireGuardKind, maker

if TYPE_CHECKING:
    from huddle.helper import Service


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

    def root_services(self, port: int, *, homeless: bool) -> "Iterable[Service]":
        return WireGuardKind().root_services(port, homeless=homeless)

    async def examine(self, options: Any) -> list[Check]:
        """Nothing of its own: it needs what the network wireguard needs."""
        return []

    def outsider(self, context: NetworkContext) -> OutsiderPart:
        from huddle.networks.plain.outsider import PlainOutsider

        return PlainOutsider(Key.of(context.crypto))

    def participant(self, context: NetworkContext) -> OutsiderPart:
        from huddle.networks.plain.participant import PlainParticipant

        return PlainParticipant(
            context.rendezvous,
            context.crypto.random,
            advertise=context.advertise,
            port=context.port,
            notice=context.notice,
            maker=maker(context),
        )
