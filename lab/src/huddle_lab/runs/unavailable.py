"""What networks this computer can't run in a study, and why, found before anything is started.

A row says so in their place; nothing stands in for them. What a network needs beyond this is found when a
run fails.
"""

import asyncio
import shutil
from collections.abc import Callable

from huddle.errors import HuddleError
from huddle.networks.iroh import library as iroh_library
from huddle.networks.webrtc import library as webrtc_library
from huddle.networks.wireguard import maker as wireguard_maker
from huddle_lab.runs import browser
from huddle_lab.sites.needs import AT_PARTIES, AT_RENDEZVOUS
from huddle_lab.study.study import Study
from huddle_lab.study.variants import Variant

_CONTROL = "no control server of a tailnet can be reached from machines of this computer"


def absent(study: Study) -> dict[str, str]:
    """The networks of this study that can't be run here, by their names, each with the reason."""
    reasons = {network.name: _reason(study.provider, network) for network in study.networks}
    return {name: why for name, why in reasons.items() if why}


def _reason(provider: str, network: Variant) -> str:
    if network.browsers:
        if provider != "netns":
            return "parties in browsers are on machines of this computer only"
        return _refused(browser.check)
    if provider != "netns":
        return ""  # what hosts have is found there
    match network.network:
        case "webrtc":
            return _refused(webrtc_library.check)
        case "iroh":
            return _refused(iroh_library.check)
        case "wireguard":
            return _refused(wireguard_maker.check) or _refused(lambda: asyncio.run(wireguard_maker.kind()))
        case "tailscale" if not network.options:
            return _CONTROL
        case "headscale":
            return _lacking(*AT_RENDEZVOUS, *AT_PARTIES["headscale"])
        case "tailscale":
            return _lacking(*AT_PARTIES["tailscale"])
    return ""


def _lacking(*commands: str) -> str:
    """The first of these commands that this computer lacks; empty where it has all."""
    lacking = (command for command in commands if shutil.which(command) is None)
    return next((f"there is no {command} here" for command in lacking), "")


def _refused(check: Callable[[], object]) -> str:
    """What a check says against it; empty where it passes."""
    try:
        check()
    except HuddleError as exc:
        return exc.message.rstrip(".")
    return ""
