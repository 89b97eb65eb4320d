"""`huddle wireguard-config`, as it is typed. That it works is tried in tests/netlab."""

import base64
import configparser
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from huddle.cli.main import main
from huddle.networks.wireguard.keys import Key, address

OWN = base64.b64encode(Key.fresh().public).decode()


def run(folder: Path, hosts: str) -> Result:
    (folder / "hosts").write_text(hosts)
    return CliRunner().invoke(
        main,
        ["wireguard-config", str(folder / "hosts"), "--output", str(folder / "made"), "--program", "a b.py"],
    )


def sections(path: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The interface and the peers."""
    parts = path.read_text().split("\n\n")
    found = []
    for part in parts:
        parser = configparser.ConfigParser()
        parser.read_string(part)
        (name,) = parser.sections()
        found.append(dict(parser[name]))
    return found[0], found[1:]


def test_each_party_gets_all_others_and_its_line(tmp_path: Path) -> None:
    result = run(tmp_path, f"ada.example   # the host\n\n[2001:db8::7]:4000 {OWN}\n-\n")
    assert result.exit_code == 0, result.output
    made = tmp_path / "made"
    assert sorted(path.name for path in made.iterdir()) == ["huddle0.conf", "huddle1.conf", "huddle2.conf"]
    (ada, to_ada), (bob, to_bob), (cyd, to_cyd) = (sections(made / f"huddle{pid}.conf") for pid in range(3))
    assert (ada["listenport"], bob["listenport"]) == ("51820", "4000")
    assert "listenport" not in cyd
    assert [peer.get("endpoint") for peer in to_cyd] == ["ada.example:51820", "[2001:db8::7]:4000"]
    assert [peer.get("endpoint") for peer in to_bob] == ["ada.example:51820", None]
    assert {peer["persistentkeepalive"] for peer in to_cyd} == {"25"}
    assert not any("persistentkeepalive" in peer for peer in (*to_ada, *to_bob))
    # Each is the same to all, and its address follows from its key.
    assert to_ada[0]["publickey"] == to_cyd[1]["publickey"] == OWN
    assert to_ada[0]["allowedips"] == bob["address"] == f"{address(base64.b64decode(OWN))}/128"
    assert len(base64.b64decode(ada["privatekey"])) == 32
    assert "private key that belongs" in bob["privatekey"]
    for pid in range(3):
        assert stat.S_IMODE((made / f"huddle{pid}.conf").stat().st_mode) == 0o600
        line = next(line for line in result.output.splitlines() if line.endswith(f"-I {pid}"))
        assert "python 'a b.py' -P" in line
        assert line.count(" -P ") == 3
        assert f"{bob['address'].removesuffix('/128')}:11366" in line
    assert "private keys of parties 0, 2 were made here" in result.output
    assert ada["privatekey"] not in result.output


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ("ada.example\n", "names 1 parties"),
        ("", "names 0 parties"),
        ("h.example\n" * 33, "names 33 parties"),
        ("ada.example\n-\n-\n", "Parties 1, 2 have no address"),
        ("ada.example\nbob example extra\n", "line 2"),
        ("ada.example\nbob.example nokey\n", "line 2: 'nokey' is no public key"),
        ("ada.example\nbob.example:99999\n", "line 2"),
        (f"a.example {OWN}\nb.example {OWN}\n", "same key"),
    ],
)
def test_what_can_not_be_meant_is_told_and_nothing_is_written(tmp_path: Path, hosts: str, said: str) -> None:
    result = run(tmp_path, hosts)
    assert result.exit_code == 3
    assert said in result.output
    assert not (tmp_path / "made").exists()


def test_keys_are_never_written_over_others(tmp_path: Path) -> None:
    assert run(tmp_path, "a.example\nb.example\n").exit_code == 0
    before = (tmp_path / "made" / "huddle0.conf").read_text()
    result = run(tmp_path, "a.example\nb.example\n")
    assert result.exit_code == 3
    assert "is there already" in result.output
    assert (tmp_path / "made" / "huddle0.conf").read_text() == before
