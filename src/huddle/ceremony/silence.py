"""What is said of those who did not do in time what was theirs to do."""

from collections.abc import Collection

from huddle.ceremony.roster import Plan
from huddle.errors import HuddleError, LocalError, PeerError, RendezvousError

REVEAL_SECONDS = 30.0  # a reveal needs no person: who takes longer is gone
HOST_MISSED = 60.0  # seconds without the host in the room, far more than a new connection takes
ECHO_SECONDS = 120.0  # longer than a rendezvous takes to restart
DECIDE_SECONDS = 30.0  # what a guest gives the host to decide what the host has seen too


def silent(plan: Plan, me: str, done: Collection[int], what: str) -> HuddleError:
    """The error of those in the plan who are not `done` with `what`: reveal or accept."""
    if plan.pid(me) not in done:
        if what == "reveal":
            return not_echoed()
        return LocalError("nobody here decided in time", hint="Start again with a new invitation.")
    missing = [member.name for member in plan.roster if member.pid not in done]
    names = ", ".join(missing)
    return PeerError(
        f"{names} did not accept in time" if what == "accept" else f"{names} did not reveal in time",
        peer=missing[0],
        hint=f"Ask {missing[0]} what happened, then start again with a new invitation.",
    )


def host_gone(name: str, seconds: float) -> PeerError:
    """The error of a host that the rendezvous has not seen in its room for so long."""
    return PeerError(
        f"{name} has gone: nobody has seen the host in the room for {seconds:.0f} s.",
        peer=name,
        hint="Ask the host for a new invitation.",
    )


def not_echoed() -> RendezvousError:
    """The error of a rendezvous that shows somebody's own messages to nobody."""
    return RendezvousError(
        f"the rendezvous did not show this party's own messages for {ECHO_SECONDS:.0f} seconds",
        hint="Check the connection, then start again, perhaps with another rendezvous.",
    )
