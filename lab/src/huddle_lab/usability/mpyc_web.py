"""MPyC Web, the browser prototype of the thesis: an ID is told, a program chosen, a button pressed.

Its source is at github.com/e-nikolov/mpyc-web. A build of it, with the PeerJS server that it looks for and
what it fetches from elsewhere, has to be served to browsers of this computer:

    HUDDLE_MPYC_WEB=URL            the page
    HUDDLE_MPYC_WEB_FLAGS=…        flags for Chromium, such as --host-resolver-rules=…

Both people have browsers that nobody has used before, in this computer's own network.
"""

import os
import shlex
from contextlib import ExitStack

from huddle_lab.usability.people import Person
from huddle_lab.usability.phone import OpenPage, Phone, no_browser
from huddle_lab.usability.solution import Stage

_URL, _FLAGS = "HUDDLE_MPYC_WEB", "HUDDLE_MPYC_WEB_FLAGS"
_PROGRAM, _SAYS = "./py/demos/helloworld.py", "Hello"
_LISTEN = """
window.said = ""; window.isReady = false;
window.mpyc.on("runtime:display", (text) => { window.said += text; });
window.mpyc.on("runtime:display:error", (text) => { window.said += text; });
window.mpyc.on("runtime:ready", () => { window.isReady = true; });
"""
_CHOOSE = f"""
const list = document.querySelector("#select-demo");
list.value = "{_PROGRAM}"; list.dispatchEvent(new Event("change"));
"""


class MpycWeb:
    """Two browsers, and whatever program the page brings along."""

    name = "mpyc-web"
    title = "MPyC Web, its page built from source and served locally"
    security = (
        (
            "the PeerJS server, and whoever it gives an ID to once its owner's tab is closed",
            "is taken for the owner of that ID: nothing shows who is at the other end",
            "tests/netlab/test_attackers.py::test_who_is_given_an_id_of_mpyc_web_is_taken_for_its_owner",
        ),
    )

    def problem(self) -> str:
        if not os.environ.get(_URL):
            return f"{_URL} does not say where a build of it is served; it is in no package registry"
        return no_browser()

    def perform(self, stage: Stage) -> None:
        url, flags = os.environ[_URL], shlex.split(os.environ.get(_FLAGS, ""))
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        with ExitStack() as stack:
            phones = {one: stack.enter_context(Phone(one, url, *flags, away=True)) for one in (ada, bob, cyd)}
            for when, other in (("first", bob), ("again", bob), ("others", cyd)):
                stage.story.when = when
                self._meet(phones[ada], phones[other], ada, other, url)
        stage.story.when = "end"

    @staticmethod
    def _meet(mine: Phone, theirs: Phone, ada: Person, other: Person, url: str) -> None:
        pages = [phone.open(url, "the page's address") for phone in (mine, theirs)]
        own = _id(pages[0])
        _id(pages[1])
        # Where a browser has kept whom it met last, and that ID is still that person's, nothing is told.
        if pages[1].evaluate("document.querySelector('#hostPeerID').value") != own:
            pages[0].tick("#copyPeerID", "copy one's ID")
            ada.tell(other, "the ID")
            pages[1].fill("#hostPeerID", own, "the ID")
        pages[1].tick("#connect", "connect")
        for page in pages:
            page.look("document.querySelectorAll('#knownPeers li').length >= 2")
        ada.tell(other, "which program")
        for person, page in zip((ada, other), pages, strict=True):
            page.evaluate(_CHOOSE)
            person.story.add(person.name, "press", "the program in the list")
            page.look("window.isReady")
        for page in pages:
            page.tick("#startButton", "run")
        for page in pages:
            page.look(f"window.said.includes('{_SAYS}')")
            page.evaluate("dispatchEvent(new Event('beforeunload')); 0")  # as when a person closes the tab
            page.done()


def _id(page: OpenPage) -> str:
    """The ID that the page has got; what it says is noted from now on."""
    page.look("!!window.mpyc")
    page.evaluate(_LISTEN)
    return str(page.look("document.querySelector('#myPeerID').value"))
