"""The network `tls` before a session: its options and checks; see `network`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from huddle.networks.base import Check, Network, NetworkContext, NetworkKind, option


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """What a person may choose."""

    map_port: bool = option(False, "Ask the router for a port that leads here, until the end.")


class TlsKind(NetworkKind):
    """TCP with mutual TLS straight to the peer."""

    name = "tls"
    needs = "a port of one of the two that the other can reach"
    secured_by = "mutual TLS 1.3, certificates from the sealed offers"
    seen_by = "anybody on the path: addresses, sizes, times"
    automatic = True
    Options: ClassVar[type] = TlsOptions

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.tls.network import TlsNetwork

        return TlsNetwork(
            port=context.port,
            via=context.via,
            advertise=context.advertise,
            loopback=context.near,
            map_port=options.map_port,
            notice=context.notice,
        )

    async def examine(self, options: Any) -> list[Check]:
        """Whether this machine lets a party listen; without, it can still dial."""
        from huddle.networks import sockets

        try:
            bound = sockets.listening_pair(0)
        except OSError as exc:
            advice = "A sandbox or policy forbids it: peers must be reachable, or the relay is used."
            return [Check("Listening", "warn", f"not possible: {exc.strerror}", advice)]
        versions = " and ".join("IPv6" if ":" in sock.getsockname()[0] else "IPv4" for sock in bound)
        for sock in bound:
            sock.close()
        return [Check("Listening", "ok", f"possible, {versions}; a firewall may still keep others out")]
