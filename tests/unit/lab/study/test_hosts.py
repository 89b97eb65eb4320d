"""Hosts files, and which party is on which host."""

from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.study.hosts import SshHosts, read


def hosts(folder: Path, *tables: str, top: str = "") -> SshHosts:
    path = folder / "hosts.toml"
    path.write_text(top + "".join(f"[[hosts]]\n{table}\n" for table in tables))
    return read(path)


@pytest.mark.parametrize(
    ("ssh", "expected"),
    [
        ("example.org", ("", "example.org", 22)),
        ("root@example.org", ("root", "example.org", 22)),
        ("root@example.org:2222", ("root", "example.org", 2222)),
        ("me@[2001:db8::1]:2222", ("me", "2001:db8::1", 2222)),
        ("[2001:db8::1]", ("", "2001:db8::1", 22)),
    ],
)
def test_targets_are_as_ssh_has_them(tmp_path: Path, ssh: str, expected: tuple[str, str, int]) -> None:
    (one,) = hosts(tmp_path, f'ssh = "{ssh}"').hosts
    assert (one.user, one.host, one.port) == expected
    assert one.address == one.name == expected[1]


@pytest.mark.parametrize("ssh", ["", "root@", "a:b", "a:70000", "root@:22"])
def test_what_is_no_target_is_refused(tmp_path: Path, ssh: str) -> None:
    with pytest.raises(LocalError):
        hosts(tmp_path, f'ssh = "{ssh}"')


def test_parties_are_spread_over_regions_and_no_host_has_two(tmp_path: Path) -> None:
    found = hosts(
        tmp_path,
        *(f'ssh = "{name}"\nregion = "{region}"' for name, region in zip("abcd", "xyxy", strict=True)),
    )
    assert found.regions == {"x", "y"}
    assert [host.name for host in found.place(3, ("y", "x"))] == ["b", "a", "d", "b"]
    assert [host.name for host in found.place(2, ())] == ["a", "b", "a"]
    with pytest.raises(LocalError, match="no host in x for party 2"):
        found.place(3, ("x",))


def test_a_key_lies_beside_the_file_and_names_are_unique(tmp_path: Path) -> None:
    found = hosts(tmp_path, 'ssh = "a"\nkey = "id"', top='known_hosts = "known"\nparallel = 2\n')
    assert found.hosts[0].key == tmp_path / "id" and found.known_hosts == tmp_path / "known"
    assert found.parallel == 2
    with pytest.raises(LocalError, match="the same name"):
        hosts(tmp_path, 'ssh = "a"', 'ssh = "root@a"')


def test_a_control_machine_has_the_rendezvous_and_parties_only_where_there_are_too_few(
    tmp_path: Path,
) -> None:
    tables = ('ssh = "a"', 'ssh = "b"', 'ssh = "c"')
    found = hosts(tmp_path, *tables, top='control = "a"\ninstall = true\n')
    assert [host.name for host in found.place(2, ())] == ["b", "c", "a"]
    assert [host.name for host in found.place(3, ())] == ["b", "c", "a", "a"]
    assert found.install and not hosts(tmp_path, *tables).install
    with pytest.raises(LocalError, match="no host d"):
        hosts(tmp_path, *tables, top='control = "d"\n')
