"""What a session says, in the language of the page that shows it.

Below, errors and notices are English sentences (`huddle.texts`). A page that speaks another language hands
the worker its catalogue; what the page is told is translated here, and nothing that goes to other parties is.
"""

import re
from collections.abc import Mapping
from typing import Any

from huddle.texts.catalogue import Catalogue, parse

# Of each event, what a person reads in it; a mapping has its texts as values.
_TEXTS = {
    "checked": ("problems",),
    "ended": ("reason",),
    "error": ("message", "hint"),
    "examined": ("problem", "missing"),
    "link": ("path",),
    "notice": ("text",),
    "party": ("detail",),
    "rejected": ("message", "hint"),
    "restarted": ("reason",),
    "run": ("reason", "hint"),
}
_STOPPED = re.compile("its person stopped it|stopped the run")


class PageLanguage:
    """Translates what the page is told; `catalogue` is the text of a .po file, empty for English."""

    def __init__(self, catalogue: str) -> None:
        self._catalogue = parse(catalogue) if catalogue else Catalogue()

    def event(self, event: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of an event as the page is told them; of a run also whether somebody `stopped` it."""
        told = dict(values)
        if event == "run":
            told["stopped"] = bool(_STOPPED.search(told["reason"]))
        said = self._catalogue.recognized
        for name in _TEXTS.get(event, ()):
            text = told[name]
            many = isinstance(text, dict)
            told[name] = {key: said(one) for key, one in text.items()} if many else said(text)
        if event == "stats":
            told["peers"] = tuple({**peer, "path": said(peer["path"])} for peer in told["peers"])
        return told
