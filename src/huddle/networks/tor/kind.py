"""The network `tor` before a session: its options, checks and remains; see `network`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from huddle.networks.base import Check, Command, Network, NetworkContext, NetworkKind, option


@dataclass(frozen=True, slots=True)
class TorOptions:
    """What a person may choose: how Tor gets into its network."""

    tor_config: Path | None = option(
        None,
        "A file with further lines for Tor (a torrc), as for bridges.",
        metavar="FILE",
        env="HUDDLE_TOR_CONFIG",
    )


class TorKind(NetworkKind):
    """An onion service for each party: nobody learns where the others are."""

    name = "tor"
    needs = "outgoing TCP alone; tor installed at all parties (its service need not run); patience"
    secured_by = "Tor from end to end, and in it Huddle's record layer, keys from the sealed session"
    seen_by = (
        "not the peers: they learn no address; the rendezvous, your address; a guard of Tor's and your own "
        "provider, that you use Tor, sizes, times"
    )
    commands = (Command("tor", package="tor"),)
    service = "network of Tor relays"
    always_relayed = True
    patience = 120.0
    Options: ClassVar[type] = TorOptions

    async def problem(self) -> str:
        from huddle.networks.tor.daemon import installed

        return "" if installed() else "there is no tor here"

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.tor.network import TorNetwork

        return TorNetwork(
            context.rendezvous,
            context.crypto,
            config=options.tor_config and options.tor_config.absolute(),
            via=context.via,
            notice=context.notice,
        )

    def needed(self, options: Any) -> Iterable[Path]:
        return (options.tor_config,) if options.tor_config else ()

    async def examine(self, options: Any) -> list[Check]:
        if why := await self.problem():
            advice = "Only for --network tor, which hides addresses: install the package tor."
            return [Check("Tor", "ok", why, advice)]
        return [Check("Tor", "ok", "installed; a session with --network tor starts one of its own")]

    def leftovers(self) -> Iterable[Path]:
        from huddle.networks.reach.child_server import fresh_directories
        from huddle.networks.tor.daemon import PREFIX

        return fresh_directories(PREFIX)
