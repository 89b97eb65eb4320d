"""The network `wireguard` before a session: what there is of it here; see `network`."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from huddle.errors import HuddleError
from huddle.networks.base import Check, Command, Network, NetworkContext, NetworkKind

if TYPE_CHECKING:
    from huddle.helper import Service
    from huddle.networks.wireguard.maker import InterfaceMaker


class WireGuardKind(NetworkKind):
    """A tunnel to each peer that nobody configures, and TCP through it."""

    name = "wireguard"
    needs = (
        "Linux, WireGuard in the kernel or wireguard-go, root or CAP_NET_ADMIN or user namespaces; UDP: an "
        "open LAN, or routers that STUN gets through"
    )
    secured_by = "WireGuard, with the keys of the sealed offers"
    seen_by = "anybody on the path: addresses, sizes, times"
    cli: ClassVar[Mapping[str, str]] = {
        "wireguard-config": "huddle.networks.wireguard.by_hand:wireguard_config_command"
    }
    commands = (Command("wireguard-go", package="wireguard-go", module="wireguard"),)

    async def problem(self) -> str:
        from huddle.networks.wireguard import maker

        try:
            maker.check()
            await maker.kind()
        except HuddleError as error:
            return error.message.rstrip(".")
        return ""

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.wireguard.network import WireGuardNetwork

        return WireGuardNetwork(
            context.rendezvous,
            context.crypto,
            loopback=context.near,
            notice=context.notice,
            maker=maker(context),
        )

    def root_services(self, port: int, *, homeless: bool) -> "Iterable[Service]":
        from huddle.networks.wireguard.helper import WireGuardService

        return (WireGuardService(port=port),)

    async def examine(self, options: Any) -> list[Check]:
        """Whether tunnels can be made here, really tried, and what a killed session left of them."""
        from huddle.networks.wireguard import device, leftovers, maker

        name = "WireGuard"
        try:
            maker.check()
            kind = await maker.kind()
            left = leftovers.find().names
        except HuddleError as exc:
            return [Check(name, "warn", exc.message, exc.hint)]
        if left:
            advice = "The next session with --network wireguard removes it."
            return [Check(name, "warn", f"a killed session has left {', '.join(left)}", advice)]
        found = "the kernel's" if kind == device.KERNEL else device.program() or kind
        how = ", without any rights" if kind == device.ROOTLESS else ""
        return [Check(name, "ok", f"{found}: --network wireguard makes tunnels by itself{how}")]


def maker(context: NetworkContext) -> "InterfaceMaker | None":
    """Who makes interfaces in this session; None: this process may try."""
    if context.helper is None:
        return None
    from huddle.networks.wireguard.helper import HelperMaker

    return HelperMaker(context.helper)
