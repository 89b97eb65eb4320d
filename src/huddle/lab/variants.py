"""Networks in studies: MPyC by itself, each of Huddle's, and these with options of one's own.

    [network.tailnet]                       # a name for rows and reports
    network = "tailscale"                   # one of Huddle's
    options = ["--advertise", "…"]          # for `huddle host` and `huddle join`
    pass = ["HUDDLE_TS_AUTHKEY"]            # names of this shell's environment that the parties get

What Huddle has is asked of Huddle, so that a network which it gains is one of studies too.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from huddle.engine.settings import ALL as HUDDLE
from huddle.errors import LocalError
from huddle.lab.parsing import Table, wrong

PLAIN = ("plain", "plain-dns", "plain-ssl")
KNOWN = (*PLAIN, *HUDDLE, "auto")


@dataclass(frozen=True, slots=True)
class Variant:
    """A network with options; most have none, and their name is the network's."""

    name: str
    network: str
    options: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def is_session(self) -> bool:
        """Whether it needs a Huddle session."""
        return self.network not in PLAIN

    @property
    def relayed(self) -> bool:
        """Whether all goes by way of the rendezvous."""
        return self.network == "relay"

    def environment(self) -> dict[str, str]:
        """What is passed on of this shell's environment; LocalError where something is missing."""
        for name in self.passed:
            if name not in os.environ:
                raise LocalError(f"the network {self.name} needs {name} in the environment")
        return {name: os.environ[name] for name in self.passed}

    def decides(self) -> object:
        """What of it decides what is run, for the name of a cell."""
        return self.name if self.name == self.network else (self.name, self.network, self.options)


def variants(table: Table, names: tuple[str, ...], own: Table) -> tuple[Variant, ...]:
    """Those of these names, the study's own before Huddle's."""
    made: Mapping[str, Variant] = {name: _variant(name, own.table(name)) for name in own.keys()}
    found = []
    for name in names:
        if name not in made and name not in KNOWN:
            hint = f"There are {', '.join((*KNOWN, *made))}; or add a table [network.{name}]."
            raise wrong(table.place, f"networks: there is no {name}", hint)
        found.append(made[name] if name in made else Variant(name, name))
    return tuple(found)


def _variant(name: str, table: Table) -> Variant:
    network = table.text("network")
    if name in KNOWN:
        raise wrong(table.place, f"{name} is the name of a network of Huddle's", "Take another.")
    if network not in (*HUDDLE, "auto"):
        raise wrong(table.place, f"there is no network {network}", f"There are {', '.join(HUDDLE)}.")
    found = Variant(
        name,
        network,
        table.texts("options", empty=True, different=False),
        table.texts("pass", empty=True),
    )
    table.end()
    return found
