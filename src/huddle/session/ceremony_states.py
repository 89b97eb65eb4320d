"""What a ceremony does with each kind of message in each state, as data.

Each rule has one verdict for each standing of the sender: the host of the invitation, another member
(of the roster, or admitted by the host), or a stranger who merely holds the invitation. `docs/states.md`
is made from these tables. Messages of an earlier epoch are ignored, whatever they are, but for those in
TIMELESS; messages of a later one are a fault of members, and noticed from strangers.
"""

from enum import StrEnum

from huddle.session.messages import (
    Accept,
    Bye,
    Decline,
    Differ,
    FileChunk,
    FileKey,
    Hello,
    Message,
    Proposal,
    Refusal,
    Restart,
    Reveal,
    Signal,
)


class State(StrEnum):
    """Where a ceremony stands."""

    GATHERING = "gathering"
    OUTSIDE = "outside"
    REVEALING = "revealing"
    ACCEPTING = "accepting"
    SEALED = "sealed"
    ENDED = "ended"


class Standing(StrEnum):
    """Who the sender of a message is to this party."""

    HOST = "host"
    MEMBER = "member"
    STRANGER = "stranger"


class Verdict(StrEnum):
    """What is done with a message."""

    TAKE = "take"
    IGNORE = "ignore"
    NOTICE = "notice"
    FAULT = "fault"


MEANING = {
    State.GATHERING: "hellos come, the host admits; no valid proposal yet",
    State.OUTSIDE: "the host proposed without this guest, who waits for a new epoch or a refusal",
    State.REVEALING: "a valid proposal is there; every member reveals once",
    State.ACCEPTING: "all have revealed: the words are shown, files arrive, persons decide",
    State.SEALED: "all accepts are verified",
    State.ENDED: "failed, declined or left; nothing is read any more",
}

# From, to, and why. Any state but the last may end.
TRANSITIONS: dict[tuple[State, State], str] = {
    (State.GATHERING, State.REVEALING): "a valid proposal that has this party's hello",
    (State.GATHERING, State.OUTSIDE): "a valid proposal without this guest's present hello",
    (State.REVEALING, State.ACCEPTING): "the last reveal",
    (State.ACCEPTING, State.SEALED): "the last accept",
    (State.GATHERING, State.GATHERING): "the host's restart",
    (State.OUTSIDE, State.GATHERING): "the host's restart",
    (State.REVEALING, State.GATHERING): "the host's restart",
    (State.ACCEPTING, State.GATHERING): "the host's restart",
    **{
        (state, State.ENDED): "a failure, a no, or a goodbye"
        for state in (State.GATHERING, State.OUTSIDE, State.REVEALING, State.ACCEPTING, State.SEALED)
    },
}

TIMELESS: frozenset[type[Message]] = frozenset({Bye, Decline, Refusal})

T, I, N, F = Verdict.TAKE, Verdict.IGNORE, Verdict.NOTICE, Verdict.FAULT  # noqa: E741

# Per state and message: the verdict for host, member, stranger.
RULES: dict[State, dict[type[Message], tuple[Verdict, Verdict, Verdict]]] = {
    State.GATHERING: {
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
        Signal: (F, F, N),
        Differ: (F, F, N),
    },
    State.OUTSIDE: {
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
        Signal: (I, I, I),
        Differ: (I, I, I),
    },
    State.REVEALING: {
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
        Signal: (F, F, N),
        Differ: (F, F, N),
    },
    State.ACCEPTING: {
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
        Signal: (F, F, N),
        Differ: (T, T, N),
    },
    # A restart or a decline may have crossed the last accept: the log says which came first.
    State.SEALED: {
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
        Signal: (T, T, N),
        Differ: (N, N, N),
    },
}


def verdict(state: State, message: type[Message], standing: Standing) -> Verdict:
    """What the tables say."""
    if state is State.ENDED:
        return Verdict.IGNORE
    return RULES[state][message][list(Standing).index(standing)]
