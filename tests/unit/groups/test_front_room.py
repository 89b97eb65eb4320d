"""What a session's events mean for the host of its class: one word, and nothing of what was said."""

import pytest

from huddle import events
from huddle.groups.front_room import _meaning
from huddle.groups.messages import STATES

OWN, OTHER = ("self", "new")


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (events.Words(("a", "b", "c", "d")), "in"),
        (events.Party("Ada", "did:ada", "accepted", OWN, 0), "words"),
        (events.Party("Bob", "did:bob", "accepted", OTHER, 1), ""),
        (events.Run(1, "started"), "computing"),
        (events.Run(1, "finished"), "result"),
        (events.Run(1, "failed", reason="a secret"), "failed"),
        (events.Error("local", "a secret"), "failed"),
        (events.Output("stdout", "a secret"), ""),
        (events.Chat("Ada", "a secret"), ""),
        (events.Input(True), ""),
    ],
)
def test_an_event_is_one_word_or_nothing(event: events.Event, word: str) -> None:
    assert _meaning(event) == word and (not word or word in STATES)
