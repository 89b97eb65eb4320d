"""WireGuard by a web page: one of the two keeps a server whose page makes everybody's keys and files.

The page is `wgfrontend`, which PyPI has; the thesis's own is in no package registry. Its server is in the
middle of all tunnels. These machines have no systemd: of what it would start at boot nothing is started here.
"""

import subprocess

from huddle_lab.sites.tun import DEVICE
from huddle_lab.usability.people import Person, Terminal
from huddle_lab.usability.phone import Phone, no_browser
from huddle_lab.usability.solution import PROGRAM, VENV, Stage, install_mpyc, run_mpyc
from huddle_lab.usability.wireguard import WireGuardByHand

_TOLD = "correct-horse"  # the password of the page
_PORT = 8080
_FILE = "wg-ours.conf"
# What its assistant asks, in its order, and what one answers; all else is as it proposes.
_ANSWERS = (
    ("expert configuration", ""),
    ("username for your web frontend", ""),
    ("password for your web frontend", _TOLD),
    ("listen port of the WireGuard", ""),
    (r"to reach your WireGuard server:", "{address}"),
    ("IP address of the WireGuard", "10.99.0.1/24"),
    ("network ranges", "10.99.0.0/24"),
    ("reload WireGuard on config changes", ""),
)
_DOWNLOAD = """
const button = [...document.querySelectorAll("button")].find((one) => one.textContent.includes("Download"));
const answer = await fetch(`download?id=${button.value}`);
await answer.text();
"""


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
        return no_browser()

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        admin = Person(ada.name, stage.server.machine, stage.story)  # she sits at the server now
        _furnish(admin, bob.machine.address)
        for person in (admin, ada, bob):
            WireGuardByHand.install(person)
        with stage.story.uncounted():
            WireGuardByHand.install(cyd)
            # Which a server has.
            admin.type("apt-get -qq install -y --no-install-recommends sudo procps", root=True, online=True)
        admin.type(VENV)
        admin.type("pip install -q wgfrontend", online=True)
        install_mpyc(stage)
        stage.story.when = "first"
        url = f"http://{admin.machine.address}:{_PORT}/"
        with admin.start("wgfrontend", root=True) as frontend, Phone(ada, url) as browser:
            _answer(frontend, admin.machine.address)
            mine = _join(browser, url, ada, ada)
            addresses = mine, _join(browser, url, ada, bob)
            run_mpyc((ada, bob), addresses)
            stage.story.when = "again"
            run_mpyc((ada, bob), addresses)
            stage.story.when = "others"
            ada.send(cyd, PROGRAM)
            addresses = mine, _join(browser, url, ada, cyd)
            run_mpyc((ada, cyd), addresses)
            stage.story.when = "end"
            for person in (ada, bob):
                person.type(f"wg-quick down ./{_FILE} && rm {_FILE}", root=True)
            stage.story.add(admin.name, "press", "Ctrl-C, at the server")
        admin.type("wg-quick down wg_rw && rm -r /etc/wgfrontend /etc/wireguard/wg_rw.conf", root=True)


def _furnish(server: Person, router: str) -> None:
    """What a server has: an address in a subnet, a router, and systemd's command."""
    address = server.machine.address
    line = (
        f"ip address flush dev {DEVICE} && ip address add {address}/16 dev {DEVICE}"
        f" && ip route add default via {router} dev {DEVICE} onlink"
        " && ln -s /bin/true /usr/local/bin/systemctl"
    )
    subprocess.run(server.machine.command(line, root=True), check=True)


def _answer(frontend: Terminal, address: str) -> None:
    """The assistant, to its end."""
    for question, answer in _ANSWERS:
        frontend.see(question)
        frontend.answer(answer.format(address=address), question)
    frontend.see("start web frontend")


def _join(browser: Phone, url: str, ada: Person, person: Person) -> str:
    """Ada makes a file for that person, who is in the tunnel then; their address there."""
    page = browser.open(url, "the page's address")
    page.look("!!document.querySelector('input[type=submit], button[value=new]')")
    if page.evaluate("!!document.querySelector('input[name=password]')"):
        page.fill("input[name=username]", "admin", "the user")
        page.fill("input[name=password]", _TOLD, "the password")
        page.tick("input[type=submit]", "log in")
    page.press("Add Client")
    page.fill("input[name=description]", person.name, "a name")
    page.press("Save")
    page.look("document.body.innerText.includes('Download Config')")
    text = str(page.evaluate(_DOWNLOAD))
    page.done()
    ada.story.add(ada.name, "press", "download the file")
    person.machine.put(_FILE, text.encode())
    if person is not ada:
        ada.tell(person, f"the file {_FILE}, the addresses in the tunnel, and who has which number")
    person.type(f"wg-quick up ./{_FILE}", root=True)
    line = next(line for line in text.splitlines() if line.startswith("Address"))
    return line.partition("=")[2].strip().partition("/")[0]
