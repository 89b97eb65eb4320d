"""Messages: one encoding each, strict limits, and nothing that cannot be shown."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.messages import (
    KINDS,
    MAX_NAME,
    MAX_REASON,
    Bye,
    Decline,
    Hello,
    Meaningless,
    Options,
    Proposal,
    Refusal,
    Restart,
    Reveal,
    Software,
    is_line,
    shorten,
)
from huddle.codec import DecodeError, decode, encode
from huddle.identity.names import is_name

HELLO = Hello(1, "Ann", "did:key:z6Mk", (1,), (Software("mpyc", "0.11"),), bytes(32))
PROPOSAL = Proposal((bytes(32), b"1" * 32), 1, "suite", None, Options(), b"")


def test_each_kind_has_a_number_and_a_label_of_its_own() -> None:
    assert len({cls.label for cls in KINDS.values()}) == len(KINDS) == 12
    assert all(cls.kind == number for number, cls in KINDS.items())


@pytest.mark.parametrize(
    "message",
    [
        replace(HELLO, role=2),
        replace(HELLO, name=""),
        replace(HELLO, name="Ann\n"),
        replace(HELLO, name="A\u202enn"),
        replace(HELLO, name="Ame\u0301lie"),
        replace(HELLO, versions=()),
        replace(HELLO, versions=(1, 1)),
        replace(HELLO, software=(Software("a", "1"), Software("a", "2"))),
        replace(HELLO, software=(Software("a", "\x1b[2J"),)),
        replace(PROPOSAL, hellos=(bytes(32),)),
        replace(PROPOSAL, hellos=(bytes(32), bytes(32))),
        replace(PROPOSAL, threshold=1),
        replace(PROPOSAL, options=Options(networks=("a\tb",))),
        Refusal(bytes(32), ""),
        Decline(" x"),
        Restart(2, "\0"),
        Bye("\u200b"),
    ],
)
def test_what_means_nothing_is_refused(message: Any) -> None:
    with pytest.raises(Meaningless):
        message.check()


def test_what_means_something_passes() -> None:
    for message in (HELLO, PROPOSAL, Bye("I must go"), Restart(2, "Bob left"), Reveal(*[bytes(32)] * 3)):
        message.check()
        assert decode(type(message), encode(message)) == message


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=400))
def test_any_bytes_are_a_message_with_these_bytes_or_none(kind: int, data: bytes) -> None:
    try:
        message = decode(KINDS[kind], data)
    except DecodeError:
        return
    assert encode(message) == data


@given(st.text())
def test_any_reason_can_be_shortened_to_one_that_may_be_sent(text: str) -> None:
    short = shorten(text)
    Bye(short).check()
    assert len(short.encode()) <= MAX_REASON


@given(st.text(max_size=80))
def test_a_name_is_a_line_that_fits(text: str) -> None:
    if is_name(text):
        assert is_line(text) and len(text.encode()) <= MAX_NAME and "\n" not in text
        replace(HELLO, name=text).check()
