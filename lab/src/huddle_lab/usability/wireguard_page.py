"""WireGuard by a web page, the thesis's second solution: one has Huddle, the other a browser and an app.

The page is Huddle's: it makes the other's key, and writes a file for the WireGuard app and the line that
starts plain MPyC. Where the other's app is for phones and desktops, here it is `wg-quick`.
"""

import tempfile
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.runs import browser
from huddle_lab.usability.huddle import LINK, WORDS, built, install, rendezvous
from huddle_lab.usability.people import Person
from huddle_lab.usability.phone import Phone
from huddle_lab.usability.solution import PROGRAM, TOTAL, Stage, install_for
from huddle_lab.usability.wireguard import WireGuardByHand

_FILE = "huddle.conf"
_LINE = "document.querySelector(\"code[aria-label='The line to type']\")?.textContent"


class WireGuardByPage:
    """A host with Huddle, and guests without."""

    name = "wireguard-by-page"
    title = "WireGuard by a web page, Huddle's"
    security = (
        (
            "who serves the page",
            "is the program that makes the key; `huddle web check` compares it with one's own",
            "tests/unit/cli/commands/test_web.py::test_a_changed_page_is_told",
        ),
        (
            "a party who passes on what goes between two who can't reach each other",
            "sees addresses, sizes, times",
            "not tried: it hands on WireGuard's packets, as who is on the path of WireGuard by hand",
        ),
    )

    def problem(self) -> str:
        try:
            browser.check()
        except LocalError as error:
            return error.message
        return ""

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        with built(stage.checkout) as wheel:
            WireGuardByHand.install(ada)
            install(ada, wheel, "wireguard")
            self._prepare(bob)
            with stage.story.uncounted():
                self._prepare(cyd)
                install(stage.server, wheel)
        with rendezvous(stage.server) as url:
            with Phone(bob, url) as phone:
                stage.story.when = "first"
                self._meet(ada, bob, phone, url)
                stage.story.when = "again"
                self._meet(ada, bob, phone, url)
            stage.story.when = "others"
            with Phone(cyd, url) as phone:
                self._meet(ada, cyd, phone, url)
        stage.story.when = "end"
        for name in (_FILE, PROGRAM):
            bob.type(f"rm {name}")

    @staticmethod
    def _prepare(other: Person) -> None:
        WireGuardByHand.install(other)
        install_for(other)

    @staticmethod
    def _meet(ada: Person, other: Person, phone: Phone, url: str) -> None:
        hosting = (
            f"venv/bin/huddle host --name Ada --parties 2 --network auto,plain --rendezvous {url} {PROGRAM}"
        )
        with (
            tempfile.TemporaryDirectory(prefix="huddle-saved-") as folder,
            ada.start(hosting, root=True) as host,
        ):
            phone.save_into(Path(folder))
            link = host.see(LINK)
            ada.tell(other, "the link")
            page = phone.open(link, "the link")
            page.fill("#own-name", other.name, "one's name", unless=True)
            page.choose("Run it myself")
            page.press("Join")
            ada.tell(other, "the four words")
            host.see(WORDS)
            host.answer("all", "whom one heard, and start")
            page.tick("fieldset input[type=checkbox]", "whom one heard")
            page.press("Accept")
            page.press(f"Save {_FILE}")
            page.press("Save")
            line = page.look(_LINE)
            for name in (_FILE, PROGRAM):
                other.machine.put(name, phone.saved(name))
            other.type(f"chmod 600 {_FILE} && wg-quick up ./{_FILE}", root=True)
            if TOTAL not in other.type(str(line)) + host.end():
                raise LocalError(f"The session did not come to its end:\n{host.text[-2000:]}")
            other.type(f"wg-quick down ./{_FILE}", root=True)
            page.done()
