"""Frames that the peer has not acknowledged, and what of them is sent again."""

import pytest

from huddle.links.frames import EOF, control, data_frames
from huddle.links.unacknowledged import Unacknowledged

ONE, TWO, END = data_frames(b"one"), data_frames(b"two two"), control(EOF)


def kept(*blobs: bytes) -> Unacknowledged:
    unacknowledged = Unacknowledged()
    unacknowledged.blobs.extend(blobs)
    return unacknowledged


@pytest.mark.parametrize("cut", [0, len(ONE), len(ONE + TWO), len(ONE + TWO + END)])
@pytest.mark.parametrize("blobs", [(ONE, TWO, END), (ONE + TWO, END), (ONE + TWO + END,)])
def test_from_the_start_of_any_frame_all_that_follows_is_sent_again(
    blobs: tuple[bytes, ...], cut: int
) -> None:
    again = kept(*blobs).since(cut)
    assert again is not None and b"".join(again) == (ONE + TWO + END)[cut:]


@pytest.mark.parametrize("cut", [1, len(ONE) - 1, len(ONE) + 1])
def test_nothing_begins_inside_a_frame(cut: int) -> None:
    assert kept(ONE + TWO).since(cut) is None


def test_whole_blobs_are_forgotten_and_offsets_stay_those_of_the_stream() -> None:
    unacknowledged = kept(ONE, TWO + END)
    unacknowledged.forget(len(ONE + TWO))  # the second blob is not yet acknowledged whole
    assert list(unacknowledged.blobs) == [TWO + END]
    assert unacknowledged.since(len(ONE + TWO)) == [END]
    unacknowledged.forget(len(ONE + TWO + END))
    assert not unacknowledged.blobs and unacknowledged.since(len(ONE + TWO + END)) == []
