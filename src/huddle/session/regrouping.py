"""After the sealing somebody is lost: those who are left go on to a new session, and nobody joins anew.

    a guest loses a guest   ->  Lost to the host, and waits for the host's word
    the host loses a guest, or hears of it  ->  a new room; its invitation as `Regroup` to those who are left
    each of them            ->  leaves the old session and enters that room

What was sealed is over: the new session has fresh keys, other words, and an invitation that whoever was lost
does not know. Only the host decides, and only one with a person who can let somebody else in (`may`).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import shorten
from huddle.errors import HuddleError, PeerError
from huddle.session import control_messages as control
from huddle.session.peers import PeerMonitor

HOST_SECONDS = 30.0  # for the host's word: its Huddle answers by itself, so who says nothing has no answer


class Regrouping:
    """One party's side. `lost` are those who are gone, with the reason, by pid."""

    def __init__(self, peers: PeerMonitor, names: Mapping[int, str], *, host: bool, may: bool) -> None:
        self.lost: dict[int, str] = {}
        self.wanted = False  # at the host: two guests have lost each other
        self.invitation: Invitation | None = None  # of the new session
        self.reason = ""
        self._peers = peers
        self._names = names
        self._host = host
        self._may = may
        self._settled = asyncio.Event()  # the host has decided, or can't any more

    @property
    def may(self) -> bool:
        """Whether there is a host that may let somebody else in."""
        return self._may if self._host else 0 not in self.lost

    @property
    def over(self) -> bool:
        """Whether the session is only left now: what is said in it counts no more."""
        return self.invitation is not None

    def lose(self, pid: int, reason: str) -> None:
        """A peer is gone from here."""
        self.lost.setdefault(pid, reason)
        if pid == 0:
            self._settled.set()

    def heard(self, pid: int, message: control.Lost) -> PeerError | None:
        """At the host: a guest can't reach another one, without which the session can't go on."""
        if not self._host or message.pid not in self._names or message.pid in (0, pid):
            return None
        name, other = self._names[pid], self._names[message.pid]
        self.wanted = True
        peer = self._peers.peers[message.pid]
        if peer.silent or peer.lost_at is not None:  # nor is it heard here: the seat is free at once
            self.lose(message.pid, message.reason)
        return PeerError(f"{name} has lost {other}: {shorten(message.reason)}", peer=other)

    def take(self, message: control.Regroup, host: str, rendezvous: str) -> PeerError | None:
        """At a guest: the host's word. What is wrong with it, if anything."""
        try:
            invitation = Invitation.parse(message.url)
        except HuddleError:
            invitation = None
        if (
            invitation is None
            or invitation.groups
            or not invitation.is_host(host)
            or invitation.rendezvous != rendezvous
        ):
            return PeerError(f"{self._names[0]} sent an invitation that makes no sense.", peer=self._names[0])
        self.invitation, self.reason = invitation, shorten(message.reason)
        self._settled.set()
        return None

    def stayed(self) -> list[int]:
        """At the host: the guests that are still here."""
        return [pid for pid in self._peers.peers if pid not in self.lost]

    def call(self, invitation: Invitation, reason: str) -> None:
        """At the host: all who are still here go on there."""
        self.invitation, self.reason = invitation, shorten(reason)
        for pid in self.stayed():
            self._peers.send(pid, control.Regroup(invitation.url, self.reason))

    async def host_s_word(self) -> bool:
        """At a guest, without whom it can't go on: whether the host does, with another session; bounded."""
        if self.may and not self.over:
            for pid, reason in self.lost.items():
                self._peers.send(0, control.Lost(pid, shorten(reason)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), HOST_SECONDS)
        return self.invitation is not None
