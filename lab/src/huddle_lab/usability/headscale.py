"""Headscale: one of the two runs a control server of their own, and MPyC runs in its tailnet.

The Headscale is the real one, built by `scripts/install-headscale`, on a machine of its own, as it has to be
where all can reach it. Its certificate is made beforehand and trusted by all machines, as one of a public
authority would be, which Headscale fetches by itself. What packages would install is copied.
"""

import subprocess
from datetime import UTC, datetime

from huddle.networks.tls.certificates import make_server_certificate
from huddle_lab.usability.people import Person
from huddle_lab.usability.solution import Stage
from huddle_lab.usability.tailscale import PROGRAMS, copy, go_through, install_for_all, lacking

_PLACE = "/etc/headscale"
_STATE = "/var/lib/headscale"
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# What differs from its example, and what it does not start without.
_CONFIG = """\
server_url: https://{address}:8443
listen_addr: 0.0.0.0:8443
tls_cert_path: {place}/certificate
tls_key_path: {place}/key
noise: {{private_key_path: {state}/noise.key}}
prefixes: {{v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48"}}
derp:
  server:
    enabled: true
    region_id: 999
    region_code: ours
    region_name: Ours
    stun_listen_addr: 0.0.0.0:3478
    private_key_path: {state}/derp.key
    automatically_add_embedded_derp_region: true
    ipv4: {address}
  urls: []
database: {{type: sqlite, sqlite: {{path: {state}/db.sqlite}}}}
dns: {{magic_dns: false, base_domain: ours.invalid, override_local_dns: false}}
unix_socket: /run/headscale.sock
disable_check_updates: true
"""


class Headscale:
    """A server, a user, a key, two logins."""

    name = "headscale"
    title = "Headscale"
    security = (
        (
            "on the path, DERP",
            "sees addresses, sizes, times",
            "tests/netlab/test_attackers.py::test_who_listens_reads_the_inputs_of_plain_mpyc_but_not_in_a_tunnel",
        ),
        (
            "who runs the Headscale",
            "puts machines into the tailnet, which reach MPyC's port; plain MPyC takes them",
            "tests/netlab/test_attackers.py::test_a_machine_that_the_control_server_inserts_is_taken_for_a_party_of_plain_mpyc",
        ),
    )

    def problem(self) -> str:
        without = lacking(PROGRAMS, "scripts/install-tailnet")
        return without or lacking(("headscale",), "scripts/install-headscale")

    def perform(self, stage: Stage) -> None:
        admin = Person(stage.ada.name, stage.server.machine, stage.story)  # she sits at the server now
        self._certify(stage)
        copy(admin, ("headscale",))
        address = stage.server.machine.address
        admin.edit("config.yaml", _CONFIG.format(address=address, place=_PLACE, state=_STATE))
        admin.type(f"install -D -m 644 config.yaml {_PLACE}/config.yaml && rm config.yaml", root=True)
        admin.type(_started(), root=True)
        install_for_all(stage)
        stage.story.when = "first"
        admin.type("headscale users create ours", root=True)
        keys = "headscale preauthkeys create --user 1 --reusable --expiration 24h"
        key = admin.type(keys, root=True).strip().splitlines()[-1].strip()
        go_through(stage, f"https://{address}:8443", key, "an auth key of the tailnet, and its server")
        admin.type("kill $(pidof headscale)", root=True)
        admin.type(f"rm -r {_PLACE} {_STATE}", root=True)

    @staticmethod
    def _certify(stage: Stage) -> None:
        """What a public authority would have done."""
        certificate, key = make_server_certificate(stage.server.machine.address, datetime.now(UTC))
        for name, text in (("certificate", certificate), ("key", key)):
            _write(stage.server, f"install -D -m 600 /dev/stdin {_PLACE}/{name}", text)
        for person in (stage.ada, stage.bob, stage.cyd, stage.server):
            _write(person, f"mkdir -p $(dirname {_AUTHORITIES}) && cat >>{_AUTHORITIES}", certificate)


def _started() -> str:
    """For `systemctl enable --now headscale`: there is no systemd on these machines."""
    ready = "until headscale users list >/dev/null 2>&1; do sleep 0.2; done"
    serve = "setsid -f headscale serve >/dev/null 2>&1 </dev/null"
    return f"mkdir -p {_STATE} && {serve} && timeout 30 sh -c '{ready}'"


def _write(person: Person, line: str, text: str) -> None:
    command = person.machine.command(line, root=True)
    subprocess.run(command, input=text.encode(), check=True, stdout=subprocess.DEVNULL)
