"""Standard error comes behind what was printed before it, however the two arrive."""

from hypothesis import given
from hypothesis import strategies as st

from huddle.browser.aside import Aside, piece


@given(
    st.lists(st.tuples(st.sampled_from("oe"), st.binary(min_size=1, max_size=5)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_is_kept_whatever_arrives_first(written: list[tuple[str, bytes]], chance: object) -> None:
    out, error, printed = b"", b"", 0
    for stream, data in written:
        if stream == "o":
            out += data
            printed += len(data)
        else:
            error += piece(printed, data)
    aside, shown, come = Aside(), list[tuple[str, int]](), 0
    wanted = [(stream, byte) for stream, data in written for byte in data]
    while True:
        # At random: a byte of standard output comes, or some of standard error, as far as it is read.
        if out and (not error or aside.early(come) or chance.random() < 0.5):  # type: ignore[attr-defined]
            shown.append(("o", out[0]))
            out, come = out[1:], come + 1
            shown += [("e", byte) for byte in aside.take(b"", come)]
        elif error:
            shown += [("e", byte) for byte in aside.take(error[:3], come)]
            error = error[3:]
        else:
            break
    shown += [("e", byte) for byte in aside.take(b"", come, over=True)]
    errors = [one for one in shown if one[0] == "e"]
    assert errors == [one for one in wanted if one[0] == "e"]
    for at, one in enumerate(wanted):
        if one[0] == "e":  # all of standard output that was written before it stands before it
            before = sum(stream == "o" for stream, _ in wanted[:at])
            place = [i for i, (stream, _) in enumerate(shown) if stream == "e"][
                sum(stream == "e" for stream, _ in wanted[:at])
            ]
            assert sum(stream == "o" for stream, _ in shown[:place]) >= before


def test_who_lies_waits_and_nothing_of_it_is_lost() -> None:
    aside = Aside()
    assert aside.take(piece(1 << 60, b"late"), 5) == b""
    assert aside.early(5)
    assert aside.take(b"", 5, over=True) == b"late"


def test_an_empty_piece_and_half_a_head_are_nothing() -> None:
    aside = Aside()
    assert aside.take(piece(0, b"")[:7], 0) == b""
    assert aside.take(piece(0, b"")[7:] + piece(0, b"x"), 0) == b"x"
