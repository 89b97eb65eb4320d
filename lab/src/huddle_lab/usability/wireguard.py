"""WireGuard by hand, in user space: keys, a file each, and MPyC between the tunnel's addresses."""

from huddle_lab.usability.solution import Stage, install_mpyc, run_mpyc

_ADDRESSES = ("10.99.0.1", "10.99.0.2")


class WireGuardByHand:
    """Two people, two files."""

    name = "wireguard-by-hand"
    title = "WireGuard by hand"
    security = (
        ("on the path", "sees addresses, sizes, times", "not tried"),
        ("a party", "may claim any number that is free; no other machine gets in", "not tried"),
        (
            "who makes keys for all (`huddle wireguard-config` without keys)",
            "reads and is anybody",
            "not tried",
        ),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        ada, bob = people = (stage.ada, stage.bob)
        for person in people:
            person.type("apt-get -qq update", root=True, online=True)
            person.type(
                "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends"
                " wireguard-tools wireguard-go iproute2",
                root=True,
                online=True,
            )
        install_mpyc(stage)
        stage.story.when = "first"
        public = []
        for person in people:
            public.append(person.type("umask 077; wg genkey | tee key | wg pubkey").strip().splitlines()[-1])
        ada.tell(bob, "public key, address and port, and who has which address")
        bob.tell(ada, "public key, address and port")
        for own, person in enumerate(people):
            other = people[1 - own]
            key = person.machine.get("key").decode().strip()
            person.edit(
                "wg0.conf",
                f"[Interface]\nPrivateKey = {key}\nAddress = {_ADDRESSES[own]}/24\nListenPort = 51820\n\n"
                f"[Peer]\nPublicKey = {public[1 - own]}\nEndpoint = {other.machine.address}:51820\n"
                f"AllowedIPs = {_ADDRESSES[1 - own]}/32\n",
            )
            person.type("wg-quick up ./wg0.conf", root=True)
        run_mpyc(stage, _ADDRESSES)
        stage.story.when = "again"
        run_mpyc(stage, _ADDRESSES)
        stage.story.when = "end"
        for person in people:
            person.type("wg-quick down ./wg0.conf", root=True)
            person.type("rm key wg0.conf")
