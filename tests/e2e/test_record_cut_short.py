"""A session with `--record` that is cut short leaves each party what it saw, and no damaged file."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Huddle, Lab


def session(lab: Lab, url: str, program: Path, folder: Path, options: tuple[str, ...] = ()) -> list[Huddle]:
    """Ada, Bob and Cyd on their way, each with a record to be kept."""
    host = lab.host(program, url=url, options=("--record", str(folder / "Ada.record"), *options))
    link = host.wait("invitation")["url"]
    guests = []
    for name in ("Bob", "Cyd"):
        guests.append(
            lab.join(name, link, program, options=("--record", str(folder / f"{name}.record"), *options))
        )
        host.wait("party", lambda event, name=name: event["name"] == name and event["state"] == "admitted")
    return [host, *guests]


def verified(lab: Lab, file: Path) -> tuple[int, dict[str, Any]]:
    """What somebody who took no part makes of it: exit code and JSON."""
    told = lab.huddle("Zoe", "verify", "--json", str(file))
    code = told.end()
    return code, json.loads("".join(told.foreign))


@pytest.mark.parametrize("how", ["ctrl_c", "killed", "all"])
def test_who_is_left_has_a_record_of_what_was(
    url: str, people: Lab, programs: Path, tmp_path: Path, how: str
) -> None:
    quick = ("--grace", "12") if how == "killed" else ()
    parties = session(people, url, programs / "forever.py", tmp_path, quick)
    for one in parties:
        one.wait("run", lambda event: event["state"] == "started")
        one.wait("output")
    cyd = parties[2]
    if how == "killed":
        cyd.process.kill()
    else:
        for one in parties if how == "all" else [cyd]:
            one.signal(signal.SIGTERM)
    for one in parties:
        one.end()
    kept = ["Ada", "Bob", "Cyd"]
    assert sorted(path.name for path in tmp_path.glob("*.record*")) == [f"{name}.record" for name in kept]
    assert not list(tmp_path.glob(".*"))  # nothing half written
    for pid, name in enumerate(kept):
        code, said = verified(people, tmp_path / f"{name}.record")
        assert code == 1 and said["signed_by"] == [pid], said
        assert [party["name"] for party in said["parties"]] == ["Ada", "Bob", "Cyd"]
        gone = how == "killed" and name == "Cyd"
        assert [run["outcome"] for run in said["runs"]] == ["not ended" if gone else "failed"]
        if how != "all" and (gone or name != "Cyd"):
            assert "Cyd" in said["cut_short"]
        assert ("it was killed, or its machine went down" in said["cut_short"]) == gone
    left = parties[0].all("ended")[-1]["left"]
    assert any("Ada.record: an unfinished record of a session" in line for line in left)


def test_all_that_are_killed_at_once_have_each_a_record_of_what_was(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    parties = session(people, url, programs / "forever.py", tmp_path)
    for one in parties:
        one.wait("output")
    for one in parties:
        one.process.kill()
    for one in parties:
        one.process.wait(10)
    for pid, name in enumerate(("Ada", "Bob", "Cyd")):
        code, said = verified(people, tmp_path / f"{name}.record")
        assert code == 1 and said["signed_by"] == [pid], said
        assert said["cut_short"].startswith(f"{name}'s Huddle ended before the session")
        assert [run["outcome"] for run in said["runs"]] == ["not ended"]
        (kept,) = people.home(name).glob("records.json")  # so that `forget` finds it
        assert f"{name}.record" in kept.read_text()


def test_a_run_that_its_person_stops_or_whose_program_is_killed_is_signed_by_all(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    parties = session(people, url, programs / "forever.py", tmp_path)
    for one in parties:
        one.wait("output")
    parties[1].signal(signal.SIGINT)  # the first ends the run, in order
    for one in parties:
        one.end()
    for name in ("Ada", "Bob", "Cyd"):
        code, said = verified(people, tmp_path / f"{name}.record")
        assert code == 0 and said["cut_short"] is None and said["signed_by"] == [0, 1, 2]
        assert [run["outcome"] for run in said["runs"]] == ["failed"]


def test_an_unfinished_record_takes_the_place_of_no_whole_one(
    url: str, people: Lab, programs: Path, tmp_path: Path
) -> None:
    for one in session(people, url, programs / "total.py", tmp_path):
        one.end()
    whole = (tmp_path / "Ada.record").read_bytes()
    assert verified(people, tmp_path / "Ada.record")[0] == 0
    parties = session(people, url, programs / "forever.py", tmp_path)
    parties[0].wait("output")
    for one in parties:
        one.signal(signal.SIGTERM)
    for one in parties:
        one.end()
    assert (tmp_path / "Ada.record").read_bytes() == whole
    assert sorted(path.name for path in tmp_path.glob("Ada*")) == ["Ada.record", "Ada.record.unfinished"]
    code, said = verified(people, tmp_path / "Ada.record.unfinished")
    assert code == 1 and said["signed_by"] == [0]
