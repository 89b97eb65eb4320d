"""Trying a short code: the host's side and a guest's, without any I/O.

Both are fed what appears in the nameplate's room, their own messages among it, and say what to append;
`now` is in seconds of any steady clock. They know nothing of rooms, sockets or screens.

The order that makes guessing dear: a guest sends its share, and the host spends a try by answering with
its own. The guest confirms first. Only a valid confirmation gives the try back, and only then does the
host confirm and hand out the invitation. So a host shows its share to three guessers at most, ever, and a
guesser is right with odds of 3 in 2^22. A stranger who answers a guest in the host's place has one guess
for each time that the person types the code.

    host    open -> complete | used up | expired | disturbed | closed;  complete -> open (a guest left)
    guest   sharing -> confirming -> done, or failed with the error that was raised

Messages and keys are in `huddle.shortcode.pake`.
"""

from dataclasses import dataclass
from typing import Literal

from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, LocalError, PeerError, RendezvousError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import same
from huddle.shortcode.code import Code, looks_like_code, parse_code
from huddle.shortcode.pake import (
    TRY_ID,
    Answer,
    BadShare,
    CodeKeys,
    Confirm,
    Exchange,
    Grant,
    Message,
    Reason,
    Refusal,
    Share,
    Wait,
    pack,
    share_of_other_version,
    unpack,
)

__all__ = ["Code", "CodeEvent", "CodeGuest", "CodeHost", "looks_like_code", "parse_code"]

TRIES = 3
LIFETIME = 600.0  # seconds: long enough to read a code out to a room, too short to be found later
PATIENCE = 30.0  # seconds for the other side's next message; both sides answer without a person
WAITING_LIMIT = 64  # guests that may wait while all tries are open: more than a session has parties
REFUSAL_LIMIT = 200  # then somebody is playing with the number, and a new code is better

HostState = Literal["open", "complete", "used up", "expired", "disturbed", "closed"]

_CLOSING: dict[HostState, Reason] = {
    "complete": Reason.COMPLETE,
    "used up": Reason.USED_UP,
    "expired": Reason.EXPIRED,
    "disturbed": Reason.CLOSED,
    "closed": Reason.CLOSED,
}


@dataclass(frozen=True, slots=True)
class CodeEvent:
    """What the host should know: a guest entered, a try was wrong, a message was odd, or the code is over."""

    what: Literal["entered", "wrong", "odd", "over"]
    text: str


@dataclass(slots=True)
class _Try:
    keys: CodeKeys
    until: float


class CodeHost:
    """The host's side: answers guests that try the code, for as many guests as there are places."""

    def __init__(self, crypto: Crypto, code: Code, invitation: Invitation, guests: int, now: float) -> None:
        self.state: HostState = "open"
        self.expires = now + LIFETIME
        self._crypto = crypto
        self._code = code
        self._invitation = invitation
        self._places = guests
        self._wrong: set[bytes] = set()
        self._open: dict[bytes, _Try] = {}
        self._waiting: dict[bytes, bytes] = {}
        self._granted: set[bytes] = set()
        self._refusals = 0
        self._events: list[CodeEvent] = []

    def __repr__(self) -> str:
        return f"<CodeHost {self.state}, {self.tries_left} tries left, {self._places} places>"

    @property
    def tries_left(self) -> int:
        """Tries that nobody has spent or is spending."""
        return TRIES - len(self._wrong) - len(self._open)

    def take_events(self) -> list[CodeEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def next_tick(self) -> float | None:
        """When `tick` should be called at the latest; None once the code is over."""
        if self.state != "open":
            return None
        if self.tries_left > 0 or not self._open:
            return self.expires
        return min(self.expires, max(one.until for one in self._open.values()))

    def tick(self, now: float) -> list[bytes]:
        """Let time pass; what to append."""
        if self.state == "open" and now >= self.expires:
            return self._over("expired", "the short code has expired")
        unanswered = [one for one in self._open.values() if now >= one.until]
        if self.state == "open" and len(self._wrong) + len(unanswered) == TRIES:
            return self._over("used up", "all three tries of the short code are spent")
        return []

    def give_back(self, now: float) -> None:
        """A guest has left: another one may come in by this code, as long as it lasts. Tries stay spent."""
        self._places += 1
        if self.state == "complete" and now < self.expires:
            self.state = "open"

    def close(self) -> list[bytes]:
        """The person wants no more guests by this code; what to append."""
        return self._over("closed", "the short code is closed") if self.state == "open" else []

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Take one message of the nameplate's room; what to append. Never raises for what others wrote."""
        replies = self.tick(now)
        message = unpack(data)
        if isinstance(message, Share):
            replies += self._share(message, now)
        elif isinstance(message, Confirm):
            replies += self._confirm(message, now)
        elif (try_id := share_of_other_version(data)) is not None:
            replies += self._refuse(try_id, Reason.VERSION)
        return replies

    def _share(self, message: Share, now: float) -> list[bytes]:
        try_id = message.try_id
        if any(try_id in known for known in (self._open, self._waiting, self._granted, self._wrong)):
            return []
        if self.state != "open":
            return self._refuse(try_id, _CLOSING[self.state])
        if self.tries_left == 0:
            if len(self._waiting) >= WAITING_LIMIT:
                return self._refuse(try_id, Reason.USED_UP)
            self._waiting[try_id] = message.share
            return [pack(Wait(try_id))]
        return self._answer(try_id, message.share, now)

    def _answer(self, try_id: bytes, share: bytes, now: float) -> list[bytes]:
        exchange = Exchange(self._crypto, self._code, try_id, guest=False)
        try:
            keys = exchange.keys(share)
        except BadShare:
            # Nothing was shown to this guest, so no try is spent.
            return self._refuse(try_id, Reason.GARBLED)
        self._open[try_id] = _Try(keys, now + PATIENCE)
        return [pack(Answer(try_id, exchange.share))]

    def _confirm(self, message: Confirm, now: float) -> list[bytes]:
        try_id = message.try_id
        if try_id in self._granted or try_id in self._wrong:
            self._note("odd", "a confirmation of the short code came twice; the second one was ignored")
            return []
        if self.state != "open":
            return self._refuse(try_id, _CLOSING[self.state])
        one = self._open.pop(try_id, None)
        if one is None:
            return self._refuse(try_id, Reason.UNKNOWN)
        if not same(message.mac, one.keys.guest_mac()):
            self._wrong.add(try_id)
            left = TRIES - len(self._wrong)
            self._note("wrong", f"somebody tried a wrong short code; {left} of {TRIES} tries left")
            refusal = self._refuse(try_id, Reason.WRONG)
            if left == 0 and self.state == "open":
                refusal += self._over("used up", "all three tries of the short code are spent")
            return refusal
        return self._grant(try_id, one.keys, now)

    def _grant(self, try_id: bytes, keys: CodeKeys, now: float) -> list[bytes]:
        sealed = keys.seal(self._crypto, self._invitation.url)
        replies = [pack(Grant(try_id, keys.host_mac(sealed), sealed))]
        self._granted.add(try_id)
        self._places -= 1
        self._note("entered", "a guest came in by the short code")
        if self._places == 0:
            return replies + self._over("complete", "as many guests as invited came in by the short code")
        while self._waiting and self.tries_left and self.state == "open":
            waiting = next(iter(self._waiting))
            replies += self._answer(waiting, self._waiting.pop(waiting), now)
        return replies

    def _over(self, state: HostState, text: str) -> list[bytes]:
        self.state = state
        self._note("over", text)
        refused = [*self._open, *self._waiting]
        self._open.clear()
        self._waiting.clear()
        return [pack(Refusal(try_id, _CLOSING[state])) for try_id in refused]

    def _refuse(self, try_id: bytes, reason: Reason) -> list[bytes]:
        self._refusals += 1
        if self._refusals > REFUSAL_LIMIT:
            return []
        refusal = [pack(Refusal(try_id, reason))]
        if self._refusals == REFUSAL_LIMIT and self.state == "open":
            refusal += self._over("disturbed", "somebody floods the short code's number")
        return refusal

    def _note(self, what: Literal["entered", "wrong", "odd", "over"], text: str) -> None:
        # A replayed message may come any number of times; the person needs to know it once.
        if len(self._events) < REFUSAL_LIMIT:
            self._events.append(CodeEvent(what, text))


class CodeGuest:
    """A guest's side: one try of one code, which ends in the invitation or in an error."""

    def __init__(self, crypto: Crypto, code: Code, now: float) -> None:
        self.state: Literal["sharing", "confirming", "done", "failed"] = "sharing"
        self.invitation: Invitation | None = None
        self.deadline = now + PATIENCE
        self._latest = now + LIFETIME
        self._crypto = crypto
        self._try_id = crypto.random(TRY_ID)
        self._exchange = Exchange(crypto, code, self._try_id, guest=True)
        self._answer = b""
        self._keys: CodeKeys | None = None

    def __repr__(self) -> str:
        return f"<CodeGuest {self.state}>"

    def start(self) -> bytes:
        """The first message, to append to the nameplate's room."""
        return pack(Share(self._try_id, self._exchange.share))

    def tick(self, now: float) -> None:
        """Let time pass; raises PeerError where the host does not answer by `deadline`."""
        if self.state in ("sharing", "confirming") and now >= self.deadline:
            raise self._failed(
                PeerError(
                    "nobody answers to this code"
                    if self.state == "sharing"
                    else "the host stopped answering",
                    peer="the host",
                    hint="Check the number, and ask the host whether Huddle still waits there.",
                )
            )

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Take one message of the nameplate's room; what to append. `invitation` is there when done.

        Raises the HuddleError that ends the try: LocalError where the code is wrong or dead, PeerError
        where the host went away, RendezvousError where somebody else answers in the host's place.
        """
        message = unpack(data)
        if self.state in ("done", "failed") or message is None or message.try_id != self._try_id:
            return []
        return self._mine(message, now)

    def _mine(self, message: Message, now: float) -> list[bytes]:
        match message:
            case Answer(share=share):
                return self._answered(share, now)
            case Grant():
                self._granted(message)
            case Wait() if self.state == "sharing":
                self.deadline = self._latest
            case Refusal(reason=reason):
                raise self._failed(_refused(reason))
        return []

    def _answered(self, share: bytes, now: float) -> list[bytes]:
        if self._keys is not None:
            if share == self._answer:
                return []
            raise self._failed(
                PeerError(
                    "the host answered twice: it was restarted, or somebody else answers in its place",
                    peer="the host",
                    hint="Ask the host for a new code.",
                )
            )
        try:
            self._keys = self._exchange.keys(share)
        except BadShare as exc:
            raise self._failed(_impostor("sent back what it was sent, or nothing that makes sense")) from exc
        self._answer = share
        self.state = "confirming"
        self.deadline = now + PATIENCE
        return [pack(Confirm(self._try_id, self._keys.guest_mac()))]

    def _granted(self, grant: Grant) -> None:
        if self._keys is None or not same(grant.mac, self._keys.host_mac(grant.sealed)):
            raise self._failed(_impostor("does not have the code"))
        try:
            self.invitation = Invitation.parse(self._keys.open(self._crypto, grant.sealed))
        except (InvalidSeal, UnicodeDecodeError, LocalError) as exc:
            raise self._failed(
                PeerError(
                    "the host sent no invitation that this Huddle understands",
                    peer="the host",
                    hint="Check that both use the same version of Huddle.",
                )
            ) from exc
        self.state = "done"

    def _failed[E: HuddleError](self, error: E) -> E:
        self.state = "failed"
        return error


def _impostor(what: str) -> RendezvousError:
    return RendezvousError(
        f"whoever answered to this code {what}",
        hint="Somebody may be posing as the host. Ask the host for a link, by a way that you trust.",
    )


_REFUSALS: dict[int, tuple[str, str]] = {
    Reason.WRONG: (
        "the code is wrong",
        "Check its words with the host. If they are right, somebody is between you: ask for a link.",
    ),
    Reason.USED_UP: ("the code is used up: too many wrong tries", "Ask the host for a new code."),
    Reason.EXPIRED: ("the code has expired", "Ask the host for a new code."),
    Reason.COMPLETE: (
        "all guests of this code have come in already",
        "Ask the host whether you were counted.",
    ),
    Reason.GARBLED: ("the host could not read this try", "Type the code again."),
    Reason.VERSION: ("the host has another version of Huddle", "Update Huddle, on both sides."),
    Reason.CLOSED: ("the host has closed this code", "Ask the host for a new code."),
}


def _refused(reason: int) -> HuddleError:
    if reason in _REFUSALS:
        message, hint = _REFUSALS[reason]
        return LocalError(message, hint=hint)
    return PeerError(
        "the host does not know of this try: it was restarted"
        if reason == Reason.UNKNOWN
        else "the host refused",
        peer="the host",
        hint="Ask the host for a new code.",
    )
