"""The project's Nix files are evaluated, with a stub in the place of nixpkgs."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from huddle.cli.main import main
from huddle_lab.sites.hive import hive, quoted
from huddle_lab.study.hosts import SshHost, SshHosts

ROOT = Path(__file__).parents[3]
STUB = ROOT / "tests" / "nix" / "stub.nix"
FILES = sorted([ROOT / "flake.nix", STUB, *(ROOT / "nix").glob("*.nix")])


@pytest.fixture(autouse=True)
def nix() -> None:
    if shutil.which("nix-instantiate") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no nix-instantiate; scripts/setup installs nix-bin")
        pytest.skip("there is no nix-instantiate")


def instantiate(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["nix-instantiate", *args], capture_output=True, text=True, check=False, timeout=60)


def value(expression: str) -> Any:
    bound = (
        f"stub = import {STUB}; flake = stub.outputs (import {ROOT}/flake.nix);"
        " module = flake.nixosModules.default;"
    )
    done = instantiate("--eval", "--strict", "--json", "--expr", f"let {bound} in {expression}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(settings: str) -> str:
    with pytest.raises(AssertionError) as error:
        value(f"stub.evaluate module {settings}")
    return str(error.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_nix(path: Path) -> None:
    done = instantiate("--parse", str(path))
    assert done.returncode == 0, done.stderr


def test_a_rendezvous_is_a_service_that_is_given_only_what_was_set() -> None:
    made = value("stub.evaluate module { rendezvous.enable = true; }")
    service = made["systemd"]["services"]["huddle-rendezvous"]["serviceConfig"]
    assert service["ExecStart"].endswith("/bin/huddle serve --port 8037")
    assert service["DynamicUser"] and service["CapabilityBoundingSet"] == []
    assert made.get("networking", {}) == {}
    said = """{ rendezvous = {
        enable = true; port = 443; url = "https://huddle.example"; keepRooms = true; openFirewall = true;
        certificate = "/var/lib/acme/cert.pem"; key = "/var/lib/acme/key.pem";
    }; }"""
    made = value(f"stub.evaluate module {said}")
    service = made["systemd"]["services"]["huddle-rendezvous"]["serviceConfig"]
    assert service["ExecStart"].partition("/bin/huddle ")[2] == (
        "serve --port 443 --url https://huddle.example --certificate /var/lib/acme/cert.pem "
        "--key %d/key --database %S/huddle/rooms.sqlite"
    )
    assert service["LoadCredential"] == ["key:/var/lib/acme/key.pem"]
    assert service["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]
    firewall = made["networking"]["firewall"]
    assert firewall == {"allowedTCPPorts": [443], "allowedUDPPorts": [443]}


def test_the_service_is_started_with_options_that_the_command_has() -> None:
    said = '{ enable = true; host = "::1"; url = "u"; trustProxy = "p"; keepRooms = true; }'
    made = value(f"stub.evaluate module {{ rendezvous = {said}; }}")
    line = made["systemd"]["services"]["huddle-rendezvous"]["serviceConfig"]["ExecStart"].split()
    known = CliRunner().invoke(main, ["serve", "--help"]).output
    options = [word for word in line if word.startswith("--")]
    assert len(options) == 5 and [word for word in options if f"{word} " not in known] == []


def test_a_party_has_the_command_its_sandbox_and_its_ports() -> None:
    made = value("stub.evaluate module { party = { enable = true; ports = [ 9000 9010 ]; }; }")
    assert [path.rpartition("/")[2] for path in made["environment"]["systemPackages"]] == [
        "mpyc-huddle", "bubblewrap",
    ]  # fmt: skip
    span = [{"from": 9000, "to": 9010}]
    assert made["networking"]["firewall"] == {"allowedTCPPortRanges": span, "allowedUDPPortRanges": span}
    assert value("stub.evaluate module { }") == {}


def test_what_does_not_fit_is_refused_by_name() -> None:
    assert "services.huddle.rendezvous.port is no port" in refused("{ rendezvous.port = 70000; }")
    assert "there is no option services.huddle.rendezvous.prot" in refused("{ rendezvous.prot = 1; }")
    assert "services.huddle.party.ports is no" in refused("{ party.ports = [ 1 2 3 ]; }")
    half = '{ rendezvous = { enable = true; certificate = "/a"; }; }'
    assert "certificate and key belong together" in refused(half)


def test_each_option_is_documented() -> None:
    text = (ROOT / "docs" / "lab.md").read_text()
    for option in value("stub.options module"):
        assert option["description"].endswith("."), option
        assert f"| `{option['path']}` | {option['type']} | {option['description']} |" in text


def test_the_package_has_what_the_project_needs_and_the_shell_evaluates() -> None:
    made = value("flake.packages.x86_64-linux.default.arguments // { src = null; }")
    assert made["pname"] == "mpyc-huddle" and made["version"]
    assert "/nix/store/cryptography" in made["dependencies"]
    assert value("map (one: one.name) flake.devShells.aarch64-linux.default.packages")[:2] == [
        "python313",
        "uv",
    ]


HOSTS = SshHosts(
    (
        SshHost("fra1", "root", "203.0.113.7", 2222, "10.0.0.7", region="frankfurt"),
        SshHost('we"i\\rd${x}\n', "", "b.example", 22, "b.example"),
    )
)


def test_a_hive_has_each_host_and_one_rendezvous() -> None:
    text = hive(HOSTS, ROOT, "hosts.toml")
    assert "/. + " in text
    made = value(f'removeAttrs ({text.replace("<nixpkgs>", "null")}) [ "defaults" ]')
    first, second = made["fra1"], made[HOSTS.hosts[1].name]
    assert first["deployment"] == {
        "targetHost": "203.0.113.7", "targetUser": "root", "targetPort": 2222, "tags": ["frankfurt"],
    }  # fmt: skip
    assert first["services"]["huddle"]["rendezvous"] == {"enable": True, "openFirewall": True}
    assert second["deployment"]["targetUser"] is None and "services" not in second


def test_a_hive_s_machines_are_what_the_module_makes_of_them() -> None:
    text = hive(HOSTS, ROOT, "hosts.toml").replace("<nixpkgs>", "null")
    made = value(
        f"let hive = {text}; in stub.evaluate (builtins.head hive.defaults.imports)"
        " (hive.defaults.services.huddle // hive.fra1.services.huddle)"
    )
    assert made["systemd"]["services"]["huddle-rendezvous"]["description"] == "Huddle rendezvous"
    assert made["environment"]["systemPackages"]


def test_any_text_is_a_nix_string_as_it_is() -> None:
    texts = ['"', "\\", "${x}", "$${x}", "\\${", "\n\r\t", "ä 🎄 ''", "$", "a\\n", '\\"${"']
    assert value(f"[ {' '.join(map(quoted, texts))} ]") == texts


def test_the_command_prints_a_hive(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.toml"
    hosts.write_text('[[hosts]]\nssh = "root@a.example"\n')
    done = CliRunner().invoke(main, ["lab", "hive", str(hosts)])
    assert done.exit_code == 0, done.output
    assert value(f"builtins.attrNames ({done.output.replace('<nixpkgs>', 'null')})") == [
        "a.example", "defaults", "meta",
    ]  # fmt: skip
    other = CliRunner().invoke(main, ["lab", "hive", str(hosts), "--source", str(tmp_path)])
    assert other.exit_code != 0 and "nix/module.nix" in other.output
