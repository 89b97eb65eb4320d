"""What a person may say on the command line, and what comes of it at all parties."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import venv
from pathlib import Path

import mpyc
import pytest

from huddle.ceremony.invitation import Invitation
from tests.e2e.harness import LOCAL, PEER, Huddle, Lab


def well(*parties: Huddle) -> None:
    """Wait until all have ended, and well."""
    for party in parties:
        assert party.end() == 0, party.story()


def test_arguments_of_all_and_of_oneself(url: str, people: Lab, programs: Path) -> None:
    program = programs / "total.py"
    host = people.host(
        program, "--label", "sum of all", url=url, options=("--private", "--number", "--private", "10")
    )
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, "--number", "200")
    cyd = people.join("Cyd", link, program)
    well(host, bob, cyd)
    for party, mine in ((host, 10), (bob, 200), (cyd, 1)):
        assert f"sum of all: 211; mine was {mine}" in party.output()
        assert party.all("program")[0]["args"] == ["--label", "sum of all"]
        others = "".join(json.dumps(event) for event in party.events if event["event"] != "output")
        assert '"200"' not in others, "a private argument stands in an event"


def test_a_private_file_is_read_where_it_lies(url: str, people: Lab, programs: Path, tmp_path: Path) -> None:
    program = programs / "reads.py"
    files = []
    for folder, numbers in (("ada", "1 2 3"), ("bob", "40 50")):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "private.txt")
        files[-1].write_text(numbers)
    host = people.host(program, parties=2, url=url, options=("--input", str(files[0])))
    guest = people.join(
        "Bob",
        host.wait("invitation")["url"],
        program,
        options=("--input", str(files[1]), "--no-sandbox"),
    )
    well(host, guest)
    for party in (host, guest):
        assert "all files: 96" in party.output()
        assert "files here: ['private.txt', 'reads.py']" in party.output()
        assert [file["path"] for file in party.all("program")[0]["files"]] == ["reads.py"]
    assert [file.read_text() for file in files] == ["1 2 3", "40 50"]


def test_files_beside_the_program_travel_with_it(url: str, people: Lab, programs: Path) -> None:
    program = programs / "beside" / "main.py"
    include = ("--include", "*.py", "--include", "table.txt", "--include", "package/**")
    host = people.host(program, parties=2, url=url, options=include)
    guest = people.join("Bob", host.wait("invitation")["url"], program, options=include)
    well(host, guest)
    for party in (host, guest):
        assert "beside: 42" in party.output()
        paths = [file["path"] for file in party.all("program")[0]["files"]]
        assert paths[0] == "main.py"
        assert "package/inner.py" in paths


def test_modules_that_stay_behind_are_named(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "beside" / "main.py", parties=2, url=url)
    host.wait("invitation")
    host.signal(signal.SIGINT)
    host.end()
    assert "module.py" in host.stderr
    assert "--include" in host.stderr


def test_several_runs_of_mpyc_and_typed_lines(url: str, people: Lab, programs: Path) -> None:
    program = programs / "several_runs.py"
    host, guest = people.session(program, url=url, names=("Bob",))
    for party, number in ((host, 30), (guest, 12)):
        party.wait("input", lambda event: event["waiting"])
        party.type(str(number))
        party.type(f"a line of {party.home.name}")
    well(host, guest)
    for party in (host, guest):
        for text in ("first: 2", "second: 42", f"typed: a line of {party.home.name}", "third: 4"):
            assert text in party.output(), party.story()
        assert party.all("input")[-1]["waiting"] is False


@pytest.mark.parametrize("code", ["0", "3", "no luck"])
def test_a_program_that_leaves(url: str, people: Lab, programs: Path, code: str) -> None:
    host, guest = people.session(programs / "leaves.py", code, url=url, names=("Bob",))
    assert host.end() != 0, host.story()
    guest.end()
    told = next(run for run in host.all("run") if run["state"] == "failed")
    assert told["peer"] == "Bob"
    assert "Bob" in told["reason"]
    if code != "0":
        assert code in guest.errors(), guest.story()
        # The others learn the code; what the program said may hold this party's secrets.
        assert f"exited with code {code if code.isdigit() else 1}" in told["reason"]


def test_help_of_the_program(url: str, people: Lab, programs: Path) -> None:
    host, guest = people.session(programs / "total.py", "-h", url=url, names=("Bob",))
    well(host, guest)
    assert "--label" in host.output()
    assert "--number" in guest.output()


def test_numpy_and_gmpy2(url: str, people: Lab, programs: Path) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("gmpy2")
    parties = people.session(programs / "numbers_fast.py", url=url)
    well(*parties)
    assert {party.output().split("columns: ")[1].splitlines()[0] for party in parties} == {
        "[3, 6, 9, 12] power: 1"
    }


def test_threshold_and_no_prss(url: str, people: Lab, programs: Path) -> None:
    program = programs / "total.py"
    parties = people.session(
        program,
        url=url,
        options=("--threshold", "0", "--no-prss"),
        guest_options=("--threshold", "0", "--no-prss"),
    )
    well(*parties)
    for party in parties:
        assert "threshold 0; prss False" in party.output()


def test_a_threshold_that_mpyc_would_refuse(people: Lab, url: str, programs: Path) -> None:
    host = people.host(programs / "total.py", url=url, options=("--threshold", "2"))
    assert host.end() == LOCAL
    assert "A threshold of 2 does not fit 3 parties. It can be from 0 to 1" in host.errors()
    assert not host.all("invitation")


@pytest.mark.parametrize(
    ("guest_options", "why"),
    [
        (("--threshold", "1"), "threshold is 0, this guest expects 1"),
        ((), "threshold is 0, lower than the usual 1"),
    ],
)
def test_a_threshold_that_a_guest_did_not_expect(
    people: Lab, url: str, programs: Path, guest_options: tuple[str, ...], why: str
) -> None:
    host, bob, cyd = people.session(
        programs / "total.py",
        url=url,
        options=("--threshold", "0"),
        guest_options=guest_options,
    )
    for guest in (bob, cyd):
        assert guest.end() == PEER
    assert why in bob.errors() + cyd.errors()
    left = host.wait("party", lambda event: event["state"] == "left")
    assert "threshold" in left["detail"]
    assert host.wait("program")["flags"] == ["--threshold 0"]


def test_relay_alone(url: str, people: Lab, programs: Path) -> None:
    parties = people.session(
        programs / "total.py", url=url, options=("--network", "relay"), guest_options=("--network", "relay")
    )
    well(*parties)
    for party in parties:
        assert "total: 3" in party.output()
        assert {link["network"] for link in party.all("link")} == {"relay"}


def test_another_interpreter(url: str, people: Lab, programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    # It has what this interpreter has, by a path file: nothing needs to be downloaded.
    here = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    there = next(path for path in sys.path if path.endswith("site-packages"))
    (Path(here) / "there.pth").write_text(there + os.linesep)
    host, guest = people.session(
        programs / "interpreter.py", url=url, names=("Bob",), options=("--python", str(python))
    )
    well(host, guest)
    assert f"prefix: {folder}" in host.output()
    assert f"prefix: {sys.prefix}" in guest.output()
    assert "name: __main__" in host.output()


def test_where_one_lacks_numpy_all_run_without(url: str, people: Lab, programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "without"
    venv.create(folder, symlinks=True)
    packages = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    shutil.copytree(Path(mpyc.__file__).parent, packages / "mpyc")
    python = ("--python", str(folder / "bin" / "python"))
    program = programs / "elements.py"
    host = people.host(program, parties=3, url=url)
    link = host.wait("invitation")["url"]
    parties = [host, people.join("Bob", link, program, options=python), people.join("Cyd", link, program)]
    well(*parties)
    for party in parties:
        assert "total: 6, numpy: False" in party.output()
    for party in (host, parties[2]):
        assert any("Bob can't use numpy" in notice["text"] for notice in party.all("notice"))


def test_an_interpreter_without_mpyc(url: str, people: Lab, programs: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    for python, complaint in ((tmp_path / "bare" / "bin" / "python", "mpyc"), (tmp_path / "none", "none")):
        host = people.host(programs / "total.py", url=url, options=("--python", str(python)))
        assert host.end() == LOCAL
        assert complaint in host.errors().lower(), host.story()


def test_stay_for_a_second_run(url: str, people: Lab, programs: Path) -> None:
    program = programs / "total.py"
    host, *guests = people.session(program, url=url, options=("--stay",))
    for number in (1, 2):
        host.wait("run", lambda event, n=number: (event["run"], event["state"]) == (n, "finished"))
        host.wait("question", lambda event: event["what"] == "again")
        host.type("y" if number == 1 else "q")
    well(host, *guests)
    for party in (host, *guests):
        finished = [run["run"] for run in party.all("run") if run["state"] == "finished"]
        assert finished == [1, 2]
        assert party.output().count("total: 3") == 2
        assert party.left() == []


def test_a_program_larger_than_the_room_takes(url: str, people: Lab, programs: Path, tmp_path: Path) -> None:
    program = tmp_path / "weighs.py"
    program.write_bytes((programs / "weighs.py").read_bytes())
    (tmp_path / "large.bin").write_bytes(os.urandom(1_500_000))
    host = people.host(program, parties=2, url=url, options=("--include", "*.bin"))
    guest = people.join("Bob", host.wait("invitation")["url"], None)
    guest.wait("question", lambda event: event["what"] == "accept")
    guest.type("nobody")
    guest.wait("question", lambda event: event["what"] == "program")
    guest.type("y")
    well(host, guest)
    assert "bytes in all: 3000000" in host.output()
    assert "bytes in all: 3000000" in guest.output()


def test_a_rendezvous_of_the_hosts_own(people: Lab, programs: Path) -> None:
    """It listens where --via says, which the host is told, and goes with the session."""
    host = people.host(programs / "total.py", parties=2)
    link = host.wait("invitation")["url"]
    host.wait("notice", lambda event: "guests must be able to reach 127.0.0.1" in event["text"])
    place = Invitation.parse(link).rendezvous
    port = int(place.rpartition(":")[2])
    assert place == f"http://127.0.0.1:{port}"
    guest = people.join("Bob", link, programs / "total.py")
    well(host, guest)
    assert "total: 2" in guest.output()
    with socket.socket() as gone:
        assert gone.connect_ex(("127.0.0.1", port)) != 0, "the host's rendezvous still listens"


def test_nobody_there_to_say_whether_to_run_again(url: str, people: Lab, programs: Path) -> None:
    host, guest = people.session(programs / "total.py", url=url, names=("Bob",), options=("--stay",))
    assert host.process.stdin is not None
    host.process.stdin.close()
    well(host, guest)
    for party in (host, guest):
        assert [run["run"] for run in party.all("run") if run["state"] == "finished"] == [1]


def test_names_that_look_alike_and_a_clash_of_options_are_said_before_the_decision(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    program = tmp_path / "total.py"
    more = "\nadmitt\N{CYRILLIC SMALL LETTER IE}d = admitted = '--grace'\n"
    program.write_text((programs / "total.py").read_text() + more)
    host = people.host(program, parties=2, url=url)
    link = host.wait("invitation")["url"]
    guest = people.huddle(
        "Bob", "join", "--json", "--name", "Bob", "--via", "127.0.0.1", "--yes", "--program", str(program),
        link, "--grace", "30",
    )  # fmt: skip
    assert guest.end() == 0, guest.story()
    assert host.end() == 0
    for party in (host, guest):
        names = [event["event"] for event in party.events]
        (said,) = [event for event in party.all("notice") if "looks like admitted" in event["text"]]
        assert "CYRILLIC SMALL LETTER IE" in said["text"]
        assert party.events.index(said) < names.index("sealed")
    assert [event for event in guest.all("notice") if "has the option --grace too" in event["text"]]
