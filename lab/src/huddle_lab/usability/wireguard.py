"""WireGuard by hand, in user space: keys, a file each, and MPyC between the tunnel's addresses."""

from huddle_lab.usability.people import Person
from huddle_lab.usability.solution import PROGRAM, Stage, install_mpyc, run_mpyc

_ADDRESSES = ("10.99.0.1", "10.99.0.2")


class WireGuardByHand:
    """Two people, two files."""

    name = "wireguard-by-hand"
    title = "WireGuard by hand"
    security = (
        (
            "on the path",
            "sees addresses, sizes, times",
            "tests/netlab/test_attackers.py::test_who_listens_reads_the_inputs_of_plain_mpyc_but_not_in_a_tunnel",
        ),
        (
            "who carries the keys",
            "swaps one for another, and is taken for its owner",
            "tests/netlab/test_attackers.py::test_who_carries_the_keys_of_wireguard_and_swaps_one_is_taken_for_its_owner",
        ),
        (
            "a party",
            "may claim any number that is free",
            "tests/netlab/test_attackers.py::test_in_a_tunnel_a_party_may_say_another_s_number",
        ),
        (
            "who makes keys for all (`huddle wireguard-config` without keys)",
            "can be anybody; who has none of the keys does not get in",
            "tests/netlab/test_attackers.py::test_only_who_has_a_key_gets_into_a_tunnel_and_who_made_the_keys_has_all",
        ),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        for person in (ada, bob):
            self.install(person)
        with stage.story.uncounted():
            self.install(cyd)
        install_mpyc(stage)
        stage.story.when = "first"
        keys = {ada: self._key(ada)}
        self._meet(ada, bob, keys)
        stage.story.when = "again"
        run_mpyc((ada, bob), _ADDRESSES)
        stage.story.when = "others"
        ada.send(cyd, PROGRAM)
        ada.type("wg-quick down ./wg0.conf", root=True)
        self._meet(ada, cyd, keys)
        stage.story.when = "end"
        for person in (ada, bob):
            person.type("wg-quick down ./wg0.conf", root=True)
            person.type("rm key wg0.conf")

    @staticmethod
    def install(person: Person) -> None:
        """Debian's packages."""
        person.type("apt-get -qq update", root=True, online=True)
        person.type(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends"
            " wireguard-tools wireguard-go iproute2",
            root=True,
            online=True,
        )

    @staticmethod
    def _key(person: Person) -> str:
        """Made by that person; the public one."""
        return person.type("umask 077; wg genkey | tee key | wg pubkey").strip().splitlines()[-1]

    def _meet(self, ada: Person, other: Person, keys: dict[Person, str]) -> None:
        """Keys are told, files written, the tunnel is put up, and the program run."""
        keys[other] = self._key(other)
        ada.tell(other, "public key, address and port, and who has which address")
        other.tell(ada, "public key, address and port")
        for own, (person, peer) in enumerate(((ada, other), (other, ada))):
            key = person.machine.get("key").decode().strip()
            person.edit(
                "wg0.conf",
                f"[Interface]\nPrivateKey = {key}\nAddress = {_ADDRESSES[own]}/24\nListenPort = 51820\n\n"
                f"[Peer]\nPublicKey = {keys[peer]}\nEndpoint = {peer.machine.address}:51820\n"
                f"AllowedIPs = {_ADDRESSES[1 - own]}/32\n",
            )
            person.type("wg-quick up ./wg0.conf", root=True)
        run_mpyc((ada, other), _ADDRESSES)
