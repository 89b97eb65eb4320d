"""What `huddle doctor` looks at. Each check says what it found and, unless all is well, what to do.

    ok     fine
    warn   Huddle works, but something is slower, less safe or not possible
    bad    something that most sessions need does not work

A check never raises: what fails is what it found. Nothing is sent anywhere but to a rendezvous and STUN
servers that the person named and, where those see another address than this machine has, to its router.
"""

import asyncio
import email.utils
import os
import platform
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path

from huddle import landlock
from huddle.cli import leftovers as crashed
from huddle.errors import HuddleError
from huddle.networks import registry
from huddle.networks.base import Check
from huddle.networks.reach import addresses, nat
from huddle.rendezvous import ice
from huddle.rendezvous.client import dialing
from huddle.running import account as accounts
from huddle.running import interpreter, sandbox

# Where a clock is further off, certificates of rendezvous and times of contacts begin to be wrong.
_CLOCK_SECONDS = 60.0
_RENDEZVOUS_SECONDS = 8.0


def python() -> Check:
    """The Python that runs Huddle."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.platform not in ("linux", "darwin"):
        return Check("Python", "warn", f"{found}, on {sys.platform}", "Use Linux, macOS, or WSL on Windows.")
    return Check("Python", "ok", found)


def event_loop() -> Check:
    """uvloop."""
    if util.find_spec("uvloop") is None:
        return Check("uvloop", "warn", "not installed", "pip install uvloop: links are faster with it.")
    return Check("uvloop", "ok", metadata.version("uvloop"))


async def program_interpreter(executable: str) -> list[Check]:
    """The interpreter that runs programs, with MPyC and what programs like to have."""
    try:
        found = await interpreter.probe(executable)
    except HuddleError as exc:
        return [Check("Programs' Python", "bad", exc.message, exc.hint or "Name another one by --python.")]
    checks = [Check("Programs' Python", "ok", f"{found.python} at {found.executable}, MPyC {found.mpyc}")]
    for name, version, use in (
        ("gmpy2", found.gmpy2, "computations with large numbers are several times faster with it"),
        ("numpy", found.numpy, "programs with secure arrays need it"),
    ):
        if version is None:
            advice = f"{found.executable} -m pip install {name}: {use}."
            checks.append(Check(name, "warn", "not installed", advice))
        else:
            checks.append(Check(name, "ok", version))
    return checks


def locked_in() -> Check:
    """The sandbox, really tried."""
    problem = sandbox.problem()
    if problem:
        advice = "Without it a program can read your files. Install bubblewrap, and allow user namespaces."
        return Check("Sandbox", "warn", problem, advice)
    if lacks := sandbox.weaker():
        return Check(
            "Sandbox", "warn", f"weaker than it should be: {'; '.join(lacks)}", "Install a newer bubblewrap."
        )
    return Check("Sandbox", "ok", "bubblewrap works: programs see neither your files nor the network")


_MEANING = {
    "public": "reachable from anywhere that no firewall forbids",
    "private": "reachable from your own network",
    "cgnat": "shared by your provider among customers: not reachable from outside",
    "loopback": "only this machine",
    "other": "of no use to others",
}


def _relaying() -> str:
    """The network that goes by the rendezvous."""
    return next(kind.name for kind in registry.kinds() if kind.by_rendezvous)


def own_addresses() -> list[Check]:
    """The addresses that others could reach, by IPv4 and IPv6."""
    local = addresses.local_addresses()
    checks = []
    for version in (4, 6):
        mine = [one for one in local if one.ip.version == version and not one.ip.is_link_local]
        mine = [one for one in mine if not one.ip.is_loopback]
        name = f"IPv{version}"
        if not mine:
            advice = "" if version == 6 else "Connect to a network; parties on this machine work without."
            checks.append(Check(name, "ok" if version == 6 else "warn", "no address", advice))
            continue
        kinds = {addresses.kind(one.ip) for one in mine}
        found = "; ".join(f"{one.ip} ({one.interface}): {_MEANING[addresses.kind(one.ip)]}" for one in mine)
        advice = (
            "Peers outside need to be reachable themselves, or you forward a port and --advertise it; "
            f"else the network {_relaying()} is used."
        )
        advice = "" if "public" in kinds else advice
        checks.append(Check(name, "ok", found, advice))
    return checks


def itself() -> Check:
    """As whom sessions run, and whether they are kept from the person's other processes."""
    try:
        account = accounts.to_become()
    except HuddleError as exc:
        return Check("Rights", "bad", exc.message, exc.hint)
    whose = (
        "this account" if account is None else account.name if account.home else "nobody, as root starts it"
    )
    if why := landlock.problem():
        advice = (
            "A program without a sandbox can look into your other processes; bubblewrap keeps it from that."
        )
        return Check("Rights", "warn", f"sessions run as {whose}; {why}", advice)
    return Check("Rights", "ok", f"sessions run as {whose}, apart from other processes (Landlock)")


async def networks() -> list[Check]:
    """What each network says of itself, and what is left out of what other distributions offer."""
    checks = []
    for kind in registry.kinds():
        options = registry.parsed(kind.Options, {})
        try:
            checks += await kind.examine(options)
        except Exception as exc:
            checks.append(Check(kind.name, "warn", f"it can't be examined: {exc}", "Tell those who make it."))
    for why in registry.refused():
        checks.append(Check("Networks", "warn", f"left out: {why}", "Update or uninstall that distribution."))
    return checks


async def rendezvous(url: str | None) -> list[Check]:
    """The rendezvous: its /healthz and a WebSocket; and this machine's clock against its own."""
    if not url:
        advice = (
            "huddle host embeds one for the local network; for people elsewhere name one by --rendezvous."
        )
        return [Check("Rendezvous", "ok", "none named", advice)]
    try:
        health = dialing.websocket_url(url, "/healthz").replace("ws", "http", 1)
        date = await asyncio.to_thread(_date_of, health)
        probe = dialing.websocket_url(url, f"/v2/rooms/{os.urandom(16).hex()}")
        async with dialing.reached(probe, within=_RENDEZVOUS_SECONDS):
            pass
    except HuddleError as exc:
        return [Check("Rendezvous", "bad", exc.message, exc.hint)]
    except urllib.error.HTTPError as exc:
        advice = "Check the URL: is it that of a rendezvous?"
        return [Check("Rendezvous", "bad", f"{url} answers HTTP {exc.code}", advice)]
    except dialing.LOST as exc:
        inner = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        error = dialing.unreachable(url, inner if isinstance(inner, BaseException) else exc)
        return [Check("Rendezvous", "bad", error.message, error.hint)]
    checks = [Check("Rendezvous", "ok", f"{url} answers, by WebSocket too")]
    return checks if date is None else [*checks, clock(time.time(), date)]


async def router(url: str | None, servers: Sequence[str]) -> list[Check]:
    """What stands between this machine and others, as STUN servers and the router itself tell it."""
    asked = [addresses.parse_advertised(server) for server in servers]
    if url:
        with suppress(HuddleError):
            stun = (await ice.ask(url, within=_RENDEZVOUS_SECONDS)).stun
            asked = [(dialing.host_of(url).rpartition(":")[0].strip("[]"), stun), *asked] if stun else asked
    if not asked:
        return []
    seen = await nat.look([(host, port or nat.PORT) for host, port in asked])
    return [Check("Router", state, found, advice) for state, found, advice in (nat.verdict(seen),)]


def _date_of(url: str) -> float | None:
    """The time in the answer's Date header, in seconds since 1970."""
    context = ssl.create_default_context() if url.startswith("https:") else None
    # The scheme is http or https: `websocket_url` has checked it.
    with urllib.request.urlopen(url, timeout=_RENDEZVOUS_SECONDS, context=context) as answer:  # noqa: S310
        header = answer.headers.get("Date")
    try:
        return email.utils.parsedate_to_datetime(header).timestamp() if header else None
    except ValueError:
        return None


def clock(now: float, reference: float | None = None) -> Check:
    """This machine's clock: against a rendezvous's, or at least against this version's own age."""
    here = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    advice = "Set the clock (switch network time on): certificates of servers depend on it."
    if reference is not None:
        off = abs(now - reference)
        if off > _CLOCK_SECONDS:
            return Check("Clock", "warn", f"{here}, {off:.0f} s away from the rendezvous's", advice)
        return Check("Clock", "ok", f"{here}, as the rendezvous has it")
    written = Path(__file__).stat().st_mtime
    if now < written - 86_400:
        return Check("Clock", "warn", f"{here}, before this program was installed", advice)
    return Check("Clock", "ok", here)


def leftovers() -> Check:
    """Directories and processes that a crash of Huddle left behind."""
    left = [str(path) for path in crashed.directories()]
    orphans = [f"process {pid} ({name})" for pid, name in crashed.orphans()]
    if not left and not orphans:
        return Check("Leftovers", "ok", "none")
    advice = "A crash left this, and nothing needs it."
    if left:
        advice += " `huddle forget leftovers` deletes the directories."
    if orphans:
        advice += " End the processes."
    return Check("Leftovers", "warn", ", ".join([*left, *orphans]), advice)


async def examine(executable: str, url: str | None, servers: Sequence[str] = ()) -> list[Check]:
    """All checks, in the order in which a person reads them."""
    there = await rendezvous(url)
    checks = [
        python(),
        event_loop(),
        *await program_interpreter(executable),
        locked_in(),
        itself(),
        *own_addresses(),
    ]
    checks += [*await networks(), *there, *await router(url, servers)]
    if not any(check.name == "Clock" for check in there):
        checks.append(clock(time.time()))
    checks.append(leftovers())
    return checks
