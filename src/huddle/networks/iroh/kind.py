"""The network `iroh` before a session: its options and library; see `network`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from huddle.networks.base import Check, Network, NetworkContext, NetworkKind, option, why_not


@dataclass(frozen=True, slots=True)
class IrohOptions:
    """What a person may choose: by what else than addresses endpoints find each other."""

    iroh_relay: str = option("", "An iroh relay; n0: those of iroh's makers. Default: none.", metavar="URL")
    iroh_discovery: bool = option(False, "Let iroh use its makers' directory of addresses, too.")


class IrohKind(NetworkKind):
    """QUIC, dialled by key."""

    name = "iroh"
    needs = "UDP to an address of one of the two, or an iroh relay; its library"
    secured_by = "QUIC's TLS 1.3, keys from the sealed offers"
    seen_by = "anybody on the path, and an iroh relay where one was chosen: addresses, sizes, times"
    automatic = True
    Options: ClassVar[type] = IrohOptions

    async def problem(self) -> str:
        from huddle.networks.iroh import library

        return why_not(library.check)

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.iroh.library import Reach
        from huddle.networks.iroh.network import IrohNetwork

        return IrohNetwork(
            via=context.via,
            loopback=context.near,
            reach=Reach(options.iroh_relay, options.iroh_discovery),
            url=None if context.near else context.rendezvous,
        )

    async def examine(self, options: Any) -> list[Check]:
        from importlib import metadata

        if why := await self.problem():
            return [Check("iroh", "warn", why, "pip install 'mpyc-huddle[iroh]': QUIC, dialled by key.")]
        return [Check("iroh", "ok", metadata.version("iroh"))]
