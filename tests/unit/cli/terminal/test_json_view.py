"""One JSON object a line, whatever a program prints and whatever the stream can encode."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from huddle import events
from huddle.cli.terminal.json_view import JsonView


@given(st.text(alphabet=st.characters()))
def test_an_event_is_a_line_whatever_is_in_it(text: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    JsonView(out).show(events.Output("stdout", text))
    (line,) = raw.getvalue().splitlines()
    assert json.loads(line) == {
        "event": "output", "version": events.VERSION, "stream": "stdout", "text": text, "run": 1,
    }  # fmt: skip


def test_each_line_is_out_at_once_and_nothing_else_is_written() -> None:
    raw = io.BytesIO()
    view = JsonView(io.TextIOWrapper(raw, encoding="utf-8"))
    view.tick()
    assert raw.getvalue() == b""
    view.show(events.Notice("x"))
    assert raw.getvalue().endswith(b"}\n")
