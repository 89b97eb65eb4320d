"""Events as JSON, and that docs/events.md has every event and every field as they are."""

import json
from dataclasses import fields
from typing import Any, get_origin, get_type_hints

import pytest

from huddle import events
from tests.scripts import script

SCRIPT = script("events_table")
KINDS: list[type[events.Event]] = SCRIPT.kinds()


def example(kind: type[events.Event]) -> events.Event:
    values: dict[Any, Any] = {str: "text", bool: True, int: 7, float: 0.5}
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: () if get_origin(hints[field.name]) is tuple else values.get(hints[field.name])
            for field in fields(kind)
        }
    )


def test_the_document_has_every_event_and_field() -> None:
    text: str = SCRIPT.DOCUMENT.read_text(encoding="utf-8")
    assert text == SCRIPT.renewed(text), "run scripts/events_table.py"
    for kind in KINDS:
        assert f"### `{kind.event}`" in text
        section = text.partition(f"### `{kind.event}`")[2].partition("### ")[0]
        assert [field.name for field in fields(kind) if f"| `{field.name}` |" not in section] == []


def test_every_event_has_a_name_of_its_own() -> None:
    names = [kind.event for kind in KINDS]
    assert all(names) and len(set(names)) == len(names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event)
def test_an_event_is_one_line_of_json(kind: type[events.Event]) -> None:
    line = json.dumps(events.as_json(example(kind)))
    value = json.loads(line)
    assert "\n" not in line
    assert list(value) == ["event", "version", *[field.name for field in fields(kind)]]
    assert (value["event"], value["version"]) == (kind.event, events.VERSION)
