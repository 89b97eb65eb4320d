"""What networks this computer can't run in a study, and why, found before anything is started.

A row says so in their place; nothing stands in for them. What a network needs beyond this is found when a
run fails.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from huddle.errors import HuddleError
from huddle.networks import registry
from huddle_lab.runs import browser
from huddle_lab.sites import server, tailnet
from huddle_lab.study.study import Study
from huddle_lab.study.variants import Variant
from huddle_lab.underlays.base import is_here
from huddle_lab.underlays.registry import UNDERLAYS


def absent(study: Study) -> dict[str, str]:
    """The networks of this study that can't be run here, by their names, each with the reason."""
    reasons = {network.name: _reason(study.provider, network) for network in study.networks}
    return {name: why for name, why in reasons.items() if why}


def _reason(provider: str, network: Variant) -> str:
    if network.underlay and provider == "netns":
        missing = _lacking(*UNDERLAYS[network.underlay].commands)
        return missing or _reason(provider, replace(network, underlay=""))
    if network.browsers:
        if provider != "netns":
            return "parties in browsers are on machines of this computer only"
        return _refused(browser.check)
    if provider != "netns":
        return ""  # what hosts have is found there
    kind = registry.kind(network.network)
    if kind is None or not network.is_session:
        return ""
    if kind.service and not network.options and not (kind.service == tailnet.SERVICE and tailnet.command()):
        return f"no {kind.service} can be reached from machines of this computer"
    commands = (*server.commands(network), *kind.commands)
    # What the kernel may replace is the network's own affair.
    return _lacking(*(one.name for one in commands if not one.module)) or asyncio.run(kind.problem())


def _lacking(*commands: str) -> str:
    """The first of these commands and files that this computer lacks; empty where it has all."""
    lacking = (name for name in commands if not is_here(name))
    return next((f"there is no {command} here" for command in lacking), "")


def _refused(check: Callable[[], object]) -> str:
    """What a check says against it; empty where it passes."""
    try:
        check()
    except HuddleError as exc:
        return exc.message.rstrip(".")
    return ""
