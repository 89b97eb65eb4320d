"""Networks in studies: MPyC by itself, each of Huddle's, and these with options of one's own.

    [network.tailnet]                       # a name for rows and reports
    network = "tailscale"                   # one of Huddle's
    options = ["--advertise", "…"]          # for `huddle host` and `huddle join`
    pass = ["HUDDLE_TS_AUTHKEY"]            # names of this shell's environment that the parties get
    browsers = 1                            # so many parties, the last ones, are in browsers
    repetitions = 1                         # at most so many, where the study has more
    demos = ["Secret Santa"]                # only these

What Huddle has is asked of Huddle, so that a network which it gains is one of studies too. Those of its
networks that a browser has are there a second time, with every party in a browser.

`tls+openvpn` is `tls` over the underlay openvpn (see `huddle_lab.underlays`), which joins the machines first.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from huddle.errors import LocalError
from huddle.networks import registry
from huddle_lab.study.parsing import Table, wrong
from huddle_lab.underlays.registry import NOT_RUN, REFUSED, UNDERLAYS

PLAIN = ("plain", "plain-dns", "plain-ssl")
HUDDLE = tuple(kind.name for kind in registry.kinds() if kind.links_parties)
IN_BROWSERS = {f"{kind.name}-browser": kind.name for kind in registry.kinds() if kind.in_browser}
EVERYBODY = MOST = 1000  # more parties than any session has, more repetitions than any study
KNOWN = (*PLAIN, *HUDDLE, "auto", *IN_BROWSERS)


@dataclass(frozen=True, slots=True)
class Variant:
    """A network with options; most have none, and their name is the network's."""

    name: str
    network: str
    options: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    browsers: int = 0
    repetitions: int = MOST
    demos: tuple[str, ...] = ()  # all, if none is named
    underlay: str = ""  # what joins the machines first

    @property
    def is_session(self) -> bool:
        """Whether it needs a Huddle session."""
        return self.network not in PLAIN

    @property
    def relayed(self) -> bool:
        """Whether all goes by way of the rendezvous."""
        kind = registry.kind(self.network)
        return kind is not None and kind.by_rendezvous

    def environment(self) -> dict[str, str]:
        """What is passed on of this shell's environment; LocalError where something is missing."""
        for name in self.passed:
            if name not in os.environ:
                raise LocalError(f"the network {self.name} needs {name} in the environment")
        return {name: os.environ[name] for name in self.passed}

    def decides(self) -> object:
        """What of it decides what is run, for the name of a cell."""
        if self.name in (self.network, f"{self.network}+{self.underlay}"):
            return self.name
        own = (self.name, self.network, self.options)
        more = (self.browsers, self.underlay) if self.underlay else (self.browsers,)
        return (*own, *more) if any(more) else own

    def in_browser(self, pid: int, parties: int) -> bool:
        """Whether that party is in a browser."""
        return pid >= parties - self.browsers


def variants(table: Table, names: tuple[str, ...], own: Table) -> tuple[Variant, ...]:
    """Those of these names, the study's own before Huddle's."""
    made: Mapping[str, Variant] = {name: _variant(name, own.table(name)) for name in own.keys()}
    found = []
    for name in names:
        network, _, underlay = name.partition("+")
        if network not in made and network not in KNOWN:
            hint = f"There are {', '.join((*KNOWN, *made))}; or add a table [network.{network}]."
            raise wrong(table.place, f"networks: there is no {network}", hint)
        one = made[network] if network in made else _known(network)
        found.append(_over(one, name, underlay, table.place) if "+" in name else one)
    return tuple(found)


def _over(one: Variant, name: str, underlay: str, place: str) -> Variant:
    if underlay in NOT_RUN:
        raise wrong(place, f"there is no underlay {underlay}: {NOT_RUN[underlay]}", "Leave it out.")
    if underlay not in UNDERLAYS:
        hint = " ".join([f"There are {', '.join(UNDERLAYS)}.", *(f"Left out: {one}." for one in REFUSED)])
        raise wrong(place, f"there is no underlay {underlay}", hint)
    if one.browsers:
        raise wrong(place, f"{name}: parties in browsers choose no address", "Leave it out.")
    return replace(one, name=name, underlay=underlay)


def _known(name: str) -> Variant:
    if name in IN_BROWSERS:
        return Variant(name, IN_BROWSERS[name], browsers=EVERYBODY)
    return Variant(name, name)


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
        table.count("browsers", 0, EVERYBODY, 0),
        table.count("repetitions", 1, MOST, MOST),
        table.texts("demos", empty=True),
    )
    table.end()
    if found.browsers and network not in IN_BROWSERS.values():
        have = " and ".join(IN_BROWSERS.values())
        raise wrong(table.place, f"browsers don't have {network}", f"They have {have}.")
    if found.browsers and found.options:
        raise wrong(table.place, "options are for commands, and browsers have none")
    return found
