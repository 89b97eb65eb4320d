"""A tailnet of the lab's own, for networks that want a control server of one and are given none.

Its control server is the one that Tailscale has for its integration tests, with a DERP and STUN beside it;
`scripts/install-tailnet` builds it, and `scripts/lab` names it in HUDDLE_LAB_TAILNET. It runs where the
rendezvous is, and rows say that it was this one: it is not what Tailscale runs.
"""

import json
import os
import secrets
import shutil
import time
from pathlib import Path
from queue import Empty, Queue

from huddle.networks import registry
from huddle_lab.sites.base import Job, RunFailed, Site
from huddle_lab.study.variants import Variant

SERVICE = "control server of a tailnet"  # as the network's kind calls what it needs
VERSION = {"control server": "Tailscale's own for integration tests"}  # for rows


def command() -> Path | None:
    """The control server; None where there is none, or the tailscaled that belongs to it is not on PATH."""
    there = os.environ.get("HUDDLE_LAB_TAILNET")
    if not there or not shutil.which("tailscaled"):
        return None
    found = Path(there) / "control"
    return found if found.is_file() else None


def wanted(variant: Variant) -> bool:
    """Whether a run over this network has one of the lab's own."""
    kind = registry.kind(variant.network)
    return kind is not None and kind.service == SERVICE and not (variant.options or variant.passed)


class Tailnet:
    """A control server for one run. `environment` lets parties into its tailnet."""

    def __init__(self, site: Site, deadline: float) -> None:
        """Start it; RunFailed where it does not answer by then (time.monotonic())."""
        found = command()
        if found is None:
            raise RunFailed("there is no control server for a tailnet")
        self._key = f"tskey-auth-{secrets.token_hex(16)}"
        lines: Queue[str] = Queue()
        arguments = [str(found), "-ip", site.rendezvous.address, "-authkey", self._key]
        self.job: Job = site.rendezvous.start(arguments, lines.put, env={}, without=())
        said: list[str] = []
        while True:
            try:
                said.append(lines.get(timeout=max(0.0, deadline - time.monotonic())).strip())
            except Empty:
                self.job.stop()
                raise RunFailed(f"the tailnet's control server does not start: {' '.join(said)}") from None
            if said[-1].startswith("{"):  # before it come messages
                self.url = str(json.loads(said[-1])["url"])
                return

    @property
    def environment(self) -> dict[str, str]:
        """For the parties."""
        return {"HUDDLE_TS_AUTHKEY": self._key, "HUDDLE_TS_LOGIN_SERVER": self.url}
