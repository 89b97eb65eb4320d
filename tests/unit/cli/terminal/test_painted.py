"""A program's output on a terminal: its colours, and nothing else that steers one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.cli.text import painted

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
