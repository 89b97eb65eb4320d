"""What a ceremony does with each kind of message in each state, as data.

Each rule has one verdict for each standing of the sender: the host of the invitation, another member
(of the roster, or admitted by the host), or a stranger who merely holds the invitation. `docs/states.md`
is made from these tables. Messages of an earlier epoch are ignored, whatever they are, but for those in
TIMELESS; messages of a later one are a fault of members, and noticed from strangers.
"""

from enum import StrEnum

from huddle.ceremony.messages import (
    Accept,
    Bye,
    Decline,
    Differ,
    FileChunk,
    FileKey,
    Hello,
    Lobby,
    Message,
    Proposal,
    Refusal,
    Restart,
    Reveal,
)


class CeremonyState(StrEnum):
    """Where a ceremony stands."""

    GATHERING = "gathering"
    OUTSIDE = "outside"
    REVEALING = "revealing"
    ACCEPTING = "accepting"
    SEALED = "sealed"
    ENDED = "ended"


class SenderRole(StrEnum):
    """Who the sender of a message is to this party."""

    HOST = "host"
    MEMBER = "member"
    STRANGER = "stranger"


class Handling(StrEnum):
    """What is done with a message."""

    TAKE = "take"
    IGNORE = "ignore"
    NOTICE = "notice"
    FAULT = "fault"


MEANING = {
    CeremonyState.GATHERING: "hellos come, the host admits; no valid proposal yet",
    CeremonyState.OUTSIDE: "the host proposed without this guest, who waits for a new epoch or a refusal",
    CeremonyState.REVEALING: "a valid proposal is there; every member reveals once",
    CeremonyState.ACCEPTING: "all have revealed: the words are shown, files arrive, persons decide",
    CeremonyState.SEALED: "all accepts are verified",
    CeremonyState.ENDED: "failed, declined or left; nothing is read any more",
}

# From, to, and why. Any state but the last may end.
TRANSITIONS: dict[tuple[CeremonyState, CeremonyState], str] = {
    (CeremonyState.GATHERING, CeremonyState.REVEALING): "a valid proposal that has this party's hello",
    (CeremonyState.GATHERING, CeremonyState.OUTSIDE): "a valid proposal without this guest's present hello",
    (CeremonyState.REVEALING, CeremonyState.ACCEPTING): "the last reveal",
    (CeremonyState.ACCEPTING, CeremonyState.SEALED): "the last accept",
    (CeremonyState.GATHERING, CeremonyState.GATHERING): "the host's restart",
    (CeremonyState.OUTSIDE, CeremonyState.GATHERING): "the host's restart",
    (CeremonyState.REVEALING, CeremonyState.GATHERING): "the host's restart",
    (CeremonyState.ACCEPTING, CeremonyState.GATHERING): "the host's restart",
    **{
        (state, CeremonyState.ENDED): "a failure, a no, or a goodbye"
        for state in (
            CeremonyState.GATHERING,
            CeremonyState.OUTSIDE,
            CeremonyState.REVEALING,
            CeremonyState.ACCEPTING,
            CeremonyState.SEALED,
        )
    },
}

TIMELESS: frozenset[type[Message]] = frozenset({Bye, Decline, Lobby, Refusal})

T, I, N, F = Handling.TAKE, Handling.IGNORE, Handling.NOTICE, Handling.FAULT  # noqa: E741

# Per state and message: the verdict for host, member, stranger.
RULES: dict[CeremonyState, dict[type[Message], tuple[Handling, Handling, Handling]]] = {
    CeremonyState.GATHERING: {
        Hello: (T, T, T),
        Refusal: (T, F, N),
        Proposal: (T, F, N),
        Reveal: (F, F, N),
        FileKey: (F, F, N),
        FileChunk: (F, F, N),
        Accept: (F, F, N),
        Decline: (F, T, I),
        Restart: (T, F, N),
        Bye: (T, T, T),
        Differ: (F, F, N),
        Lobby: (T, F, N),
    },
    CeremonyState.OUTSIDE: {
        Hello: (F, T, T),
        Refusal: (T, I, N),
        Proposal: (F, I, N),
        Reveal: (I, I, I),
        FileKey: (I, I, I),
        FileChunk: (I, I, I),
        Accept: (I, I, I),
        Decline: (I, I, I),
        Restart: (T, I, N),
        Bye: (T, I, I),
        Differ: (I, I, I),
        Lobby: (T, I, I),
    },
    CeremonyState.REVEALING: {
        Hello: (F, T, T),
        Refusal: (T, F, N),
        Proposal: (F, F, N),
        Reveal: (T, T, N),
        FileKey: (F, F, N),
        FileChunk: (F, F, N),
        Accept: (F, F, N),
        Decline: (F, T, I),
        Restart: (T, F, N),
        Bye: (T, T, T),
        Differ: (F, F, N),
        Lobby: (T, F, N),
    },
    CeremonyState.ACCEPTING: {
        Hello: (F, T, T),
        Refusal: (T, F, N),
        Proposal: (F, F, N),
        Reveal: (F, F, N),
        FileKey: (T, F, N),
        FileChunk: (T, F, N),
        Accept: (T, T, N),
        Decline: (F, T, I),
        Restart: (T, F, N),
        Bye: (T, T, T),
        Differ: (T, T, N),
        Lobby: (T, F, N),
    },
    # A restart or a decline may have crossed the last accept: the log says which came first.
    CeremonyState.SEALED: {
        Hello: (N, N, T),
        Refusal: (I, N, N),
        Proposal: (N, N, N),
        Reveal: (N, N, N),
        FileKey: (N, N, N),
        FileChunk: (N, N, N),
        Accept: (N, N, N),
        Decline: (I, T, I),
        Restart: (I, N, N),
        Bye: (T, T, I),
        Differ: (N, N, N),
        Lobby: (I, N, N),
    },
}


def verdict(state: CeremonyState, message: type[Message], standing: SenderRole) -> Handling:
    """What the tables say."""
    if state is CeremonyState.ENDED:
        return Handling.IGNORE
    return RULES[state][message][list(SenderRole).index(standing)]
