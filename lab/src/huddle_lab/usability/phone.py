"""A phone: a browser in its owner's network, and nothing else that one uses of it.

    with Phone(bob, url) as phone:
        page = phone.open(link, "the link")
        page.fill("#own-name", "Bob", "one's name")
        page.press("Join")
        page.see("total: 2")
        page.done()

The browser is this computer's Chromium with the screen of a phone and a profile that nobody has used before.
What it keeps of the page is told by itself. A page over http is taken for one over https, as with a
certificate that phones know.
"""

import json
import shutil
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Self

from huddle.errors import LocalError
from huddle_lab.runs import browser, chrome
from huddle_lab.runs.chrome import Chrome, Page
from huddle_lab.usability.people import Person

PATIENCE = 120.0  # seconds: Python starts in the page
_OFTEN = 0.05
_SCREEN = "--window-size=390,844"
_LEAST = 0.05  # MB; less is what an empty storage takes
_KEPT = "(await navigator.storage.estimate()).usageDetails ?? {}"


def no_browser() -> str:
    """Why there is none on this computer; empty where there is."""
    return "" if any(map(shutil.which, chrome.NAMES)) else "there is no Chromium"


def no_phone() -> str:
    """Why there is none on this computer for Huddle's page; empty where there is."""
    try:
        browser.check()
    except LocalError as error:
        return error.message
    return ""


class OpenPage:
    """A page that was opened, until somebody closes it."""

    def __init__(self, person: Person, page: Page) -> None:
        self._person, self._page = person, page
        self._began = time.monotonic()
        self._step = len(person.story.steps) - 1  # that of opening it

    def look(self, expression: str, within: float = PATIENCE) -> Any:
        """What a JavaScript expression finds, as soon as it finds anything."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            with suppress(LocalError):  # the page is just being replaced by another
                if found := self._page.evaluate(expression):
                    return found
            time.sleep(_OFTEN)
        text = self._page.evaluate("document.body.innerText")
        raise LocalError(f"{self._person.name} does not see {expression} in the page:\n{str(text)[:2000]}")

    def see(self, text: str) -> None:
        """Wait until this can be read."""
        self.look(f"document.body.innerText.includes({json.dumps(text)})")

    def fill(self, selector: str, value: str, what: str) -> None:
        """Type into a field."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.look(f"!!{field}")
        told = f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
        self._page.evaluate(f"{field}.value = {json.dumps(value)}; {told}")
        self._person.story.add(self._person.name, "type", what)

    def press(self, label: str) -> None:
        """Press the button with this label, once it can be pressed."""
        buttons = "[...document.querySelectorAll('button')]"
        button = f"{buttons}.find((one) => one.textContent.trim() === {json.dumps(label)})"
        self.look(f"{button} && !{button}.disabled")
        self._page.evaluate(f"{button}.click()")
        self._person.story.add(self._person.name, "press", label)

    def tick(self, selector: str, what: str) -> None:
        """Tick a box, or press what bears no words."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.look(f"{box} && !{box}.disabled")
        self._page.evaluate(f"{box}.click()")
        self._person.story.add(self._person.name, "press", what)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression."""
        return self._page.evaluate(expression)

    def done(self) -> None:
        """What it was opened for is over; note what the browser keeps of it, and close it."""
        self._person.story.took(self._step, self._began)
        found: dict[str, int] = self._page.evaluate(_KEPT)
        parts = [f"{what} {size / 1e6:.1f} MB" for what, size in found.items() if size / 1e6 >= _LEAST]
        self._person.story.browser[self._person.name] = ", ".join(parts) or "under 0.1 MB of the page's"
        self._page.close()


class Phone:
    """A person's browser, for pages of `origin`; more `flags` are Chromium's.

    It is in the network of its owner's machine, or with `away` in that of this computer.
    """

    def __init__(self, person: Person, origin: str, *flags: str, away: bool = False) -> None:
        self._person = person
        self._where: AbstractContextManager[None] = nullcontext() if away else person.machine.inside()
        self._chrome = Chrome([_SCREEN, f"--unsafely-treat-insecure-origin-as-secure={origin}", *flags])

    def __enter__(self) -> Self:
        with self._where:
            self._chrome.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._chrome.__exit__(*error)

    def open(self, url: str, what: str) -> OpenPage:
        """Open a page."""
        self._person.story.add(self._person.name, "type", what)
        return OpenPage(self._person, self._chrome.open(url))
