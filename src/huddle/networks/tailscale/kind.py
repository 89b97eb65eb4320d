"""The network `tailscale` before a session: its options, checks and remains; see `network`."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.networks.base import Check, Command, Network, NetworkContext, NetworkKind, option

COMMANDS = (Command("tailscaled"), Command("tailscale"))


@dataclass(frozen=True, slots=True)
class TailscaleOptions:
    """What a person may choose: a machine of one's own in a tailnet by a key, else the one that runs here."""

    tailscale_key: str | None = option(None, "An auth key.", env="HUDDLE_TS_AUTHKEY", secret=True)
    login_server: str | None = option(
        None,
        "Where an auth key in HUDDLE_TS_AUTHKEY is good; default: Tailscale itself.",
        metavar="URL",
        env="HUDDLE_TS_LOGIN_SERVER",
    )
    tailscaled: str | None = option(
        None,
        "The socket of the tailscaled to use; default: where packages put it.",
        metavar="SOCKET",
        env="HUDDLE_TS_SOCKET",
    )


_OWN = "Huddle can start one for a session from an auth key (HUDDLE_TS_AUTHKEY)"


class TailscaleKind(NetworkKind):
    """A tailnet that the party's machine is in, or that a key lets it into."""

    name = "tailscale"
    needs = "a machine in a tailnet, or Tailscale installed and an auth key; the two see each other there"
    secured_by = "WireGuard by the control server's keys, and on top the TLS of `tls`"
    seen_by = "the control server: which machines talk, addresses; a DERP server that relays: sizes and times"
    automatic = True
    Options: ClassVar[type] = TailscaleOptions
    commands = COMMANDS
    service = "control server of a tailnet"

    async def problem(self) -> str:
        from huddle.networks.tailscale.api import find_socket
        from huddle.networks.tailscale.daemon import installed

        return "" if installed() or find_socket() else "there is no tailscaled here"

    def unconfigured(self, options: Any, *, hosting: bool = False) -> LocalError | None:
        from huddle.networks.tailscale.network import running

        try:
            if not options.tailscale_key:
                running(options.tailscaled)
        except NetworkError as error:
            return LocalError(error.message, hint=error.hint)
        return None

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.tailscale.network import TailscaleNetwork

        return TailscaleNetwork(
            auth_key=options.tailscale_key,
            server=options.login_server,
            path=options.tailscaled,
            # What the tailnet sees of a machine made for one session: nothing of this one or its person.
            host_name=f"huddle-{secrets.token_hex(4)}",
            notice=context.notice,
        )

    async def examine(self, options: Any) -> list[Check]:
        """The tailscaled of this machine, or what it would take to have one for a session."""
        from huddle.networks.tailscale.api import LocalApi, find_socket
        from huddle.networks.tailscale.daemon import installed

        name = "Tailscale"
        found = find_socket(options.tailscaled)
        if found is None and installed():
            return [Check(name, "ok", f"installed but not running; {_OWN}")]
        if found is None:
            advice = "Only for the networks tailscale and headscale: install Tailscale."
            return [Check(name, "ok", "not installed", advice)]
        try:
            status = await LocalApi(found).status()
        except HuddleError as exc:
            return [Check(name, "warn", exc.message, exc.hint)]
        if status.state != "Running" or status.me is None:
            advice = f"Run tailscale up to use its tailnet; {_OWN}."
            return [Check(name, "warn", f"in no tailnet ({status.state or 'no state'})", advice)]
        how = "" if status.tun else ", in user space"
        others = len(status.peers)
        return [Check(name, "ok", f"{status.me.name} ({status.me.login}){how}; sees {others} machines")]

    def needed(self, options: Any) -> Iterable[Path]:
        return (Path(options.tailscaled),) if options.tailscaled else ()

    def leftovers(self) -> Iterable[Path]:
        from huddle.networks.reach.child_server import fresh_directories
        from huddle.networks.tailscale.daemon import PREFIX

        return fresh_directories(PREFIX)
