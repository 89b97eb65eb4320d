"""A program's output on a terminal: its colours, and nothing else that steers one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.cli.terminal.output import LINE, ProgramOutput, painted, unpainted

ESC = "\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n", "plain\n"),
        ("a\tb\rc", "a\tb\rc"),
        ("é 漢字 🎁", "é 漢字 🎁"),
        (f"{ESC}[1;31mred{ESC}[0m", f"{ESC}[1;31mred{ESC}[0m{ESC}[0m"),
        (f"{ESC}[8mhidden", f"{ESC}[8mhidden{ESC}[0m"),
        (f"a{ESC}[2Jb{ESC}[10;10Hc{ESC}[?1049hd", "abcd"),
        (f"a{ESC}]0;title\x07b", "ab"),
        (f"a{ESC}]52;c;aGk={ESC}\\b", "ab"),
        (f"a{ESC}P+q544e{ESC}\\b", "ab"),
        (f"a{ESC}cb{ESC}(0c", "abc"),
        (f"cut{ESC}[3", "cut"),
        (f"cut{ESC}", "cut"),
        ("bell\x07\x08\x00", "bell"),
        ("\x9b31mred", "31mred"),
    ],
)
def test_only_colours_are_left(text: str, shown: str) -> None:
    assert painted(text) == shown


@given(st.text(alphabet=st.sampled_from(f"{ESC}[]()P\\;0123456789mHJhc\x07\x9b a\n"), max_size=60))
def test_whatever_is_printed_no_other_escape_gets_through(text: str) -> None:
    for rest in painted(text).split(ESC)[1:]:
        body, _, _ = rest.partition("m")
        assert rest.startswith("[")
        assert set(body[1:]) <= set("0123456789;:")
        assert "m" in rest


@given(st.text(alphabet=st.sampled_from(f"{ESC}[]()P\\;0123456789mHJhc\x07\x9b a\n"), max_size=60))
def test_without_a_terminal_no_escape_gets_through_at_all(text: str) -> None:
    assert not set(unpainted(text)) & {ESC, "\x07", "\x9b"}
    assert unpainted(text).count("\n") <= text.count("\n")


@given(st.lists(st.text(alphabet="ab\n", max_size=8), max_size=20))
def test_lines_come_whole_and_nothing_is_lost(pieces: list[str]) -> None:
    output = ProgramOutput(unpainted)
    shown = [output.take(piece) for piece in pieces]
    assert all(text.endswith("\n") for text in shown if text)
    assert "".join(shown) + output.rest() == "".join(pieces)


def test_a_line_without_an_end_is_cut_and_looked_at_once() -> None:
    looked = 0

    def harmless(text: str) -> str:
        nonlocal looked
        looked += len(text)
        return text

    output = ProgramOutput(harmless)
    shown, most = "", 0
    for _ in range(1000):
        shown += output.take("x" * 1000)
        most = max(most, output._size)
    shown += output.rest()
    assert most <= LINE
    assert looked == shown.count("x") == 1_000_000
