"""WireGuard by a web page: one of the two keeps a server whose page makes everybody's keys and files.

The page is `wgfrontend`, of those that package registries have the one that needs no more than that; the
thesis's own is in none. It configures a server, through which all traffic goes.
"""

import time

from huddle_lab.sites.tun import DEVICE
from huddle_lab.usability.people import Person
from huddle_lab.usability.phone import OpenPage, Phone, no_phone
from huddle_lab.usability.solution import PROGRAM, VENV, Stage, install_mpyc, run_mpyc
from huddle_lab.usability.wireguard import WireGuardByHand

_PASSWORD = "correct-horse"
_PORT = 8080
_TUNNEL = "wg_rw"  # as wgfrontend calls it
_NETWORK, _SERVER = "10.99.0.0/24", "10.99.0.1/24"
_FIRST = 2  # of the people, in that network
# What its assistant asks, in its order, and what one answers; all else is as it proposes.
_ANSWERS = (
    ("expert configuration", ""),
    ("username for your web frontend", ""),
    ("password for your web frontend", _PASSWORD),
    ("listen port", ""),
    ("endpoint hostname .and optionally port. to reach your WireGuard server:", "{address}"),
    ("IP address of the WireGuard interface", _SERVER),
    ("network ranges", _NETWORK),
    ("reload WireGuard on config changes", ""),
)


class WireGuardByPage:
    """A server, a page, a file for each."""

    name = "wireguard-by-page"
    title = "WireGuard by a web page (`wgfrontend`)"
    security = (
        (
            "on the path",
            "sees addresses, sizes, times",
            "tests/netlab/test_attackers.py::test_who_listens_reads_the_inputs_of_plain_mpyc_but_not_in_a_tunnel",
        ),
        (
            "who keeps the page's server",
            "made everybody's key, and can be anybody",
            "tests/netlab/test_attackers.py::test_only_who_has_a_key_gets_into_a_tunnel_and_who_made_the_keys_has_all",
        ),
        (
            "who keeps the page's server",
            "decrypts all and encrypts it anew: reads and changes plain MPyC",
            "tests/netlab/test_attackers.py::test_the_hub_of_an_overlay_reads_what_its_clients_compute",
        ),
        (
            "a party",
            "may claim any number that is free",
            "tests/netlab/test_attackers.py::test_in_a_tunnel_a_party_may_say_another_s_number",
        ),
    )

    def problem(self) -> str:
        return no_phone()

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        admin = Person(ada.name, stage.server.machine, stage.story)  # she sits at the server now
        for person in (admin, ada, bob):
            WireGuardByHand.install(person)
        with stage.story.uncounted():
            WireGuardByHand.install(cyd)
        admin.type(VENV)
        admin.type("pip install -q wgfrontend", online=True)
        install_mpyc(stage)
        stage.story.when = "first"
        address = stage.server.machine.address
        url = f"http://{address}:{_PORT}/"
        with admin.start("wgfrontend", root=True) as frontend, Phone(ada, url) as browser:
            for question, answer in _ANSWERS:
                frontend.see(question)
                frontend.answer(answer.format(address=address), question)
            frontend.see("start web frontend")
            mine = self._client(browser, url, ada)
            addresses = mine, self._meet(browser, url, ada, bob, admin)
            self._up(ada)
            run_mpyc((ada, bob), addresses)
            stage.story.when = "again"
            run_mpyc((ada, bob), addresses)
            stage.story.when = "others"
            ada.send(cyd, PROGRAM)
            addresses = mine, self._meet(browser, url, ada, cyd, admin)
            run_mpyc((ada, cyd), addresses)
            stage.story.when = "end"
            for person in (ada, bob):
                person.type(f"wg-quick down ./{_FILE} && rm {_FILE}", root=True)
            admin.story.add(admin.name, "press", "Ctrl-C")
        admin.type(f"wg-quick down {_TUNNEL} && rm -r /etc/wgfrontend /etc/wireguard/{_TUNNEL}.conf", root=True)

    def _meet(self, browser: Phone, url: str, ada: Person, other: Person, admin: Person) -> str:
        """Somebody gets a file, and is in; their address in the tunnel."""
        address = self._client(browser, url, other)
        admin.type(f"wg-quick down {_TUNNEL}; wg-quick up {_TUNNEL}", root=True)
        ada.tell(other, f"the file {_FILE}, the addresses, and who has which number")
        self._up(other)
        return address

    @staticmethod
    def _client(browser: Phone, url: str, person: Person) -> str:
        """A file for that person, made on the page; their address in the tunnel."""
        page = browser.open(url, "the page's address")
        page.fill("input[name=username]", "admin", "the user")
        page.fill("input[name=password]", _PASSWORD, "the password")
        page.tick("input[type=submit]", "log in")
        page.press("Add Client")
        page.fill("input[name=description]", person.name, "a name")
        page.press("Save Data")
        page.look("[...document.querySelectorAll('button')].some((one) => one.textContent.includes('Download'))")
        found = page.evaluate(_DOWNLOAD)
        page.done()
        return str(found)
