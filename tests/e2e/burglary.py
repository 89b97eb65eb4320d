"""The list of attempts (tests/programs/attempts.py) in a session: a guest's program tries all of them."""

import json
import os
import socket
from pathlib import Path

from huddle.running import seccomp
from huddle.running.limits import RunLimits
from tests.e2e.harness import Lab

SECRET = "s3cret-of-the-guest"


def try_all(people: Lab, url: str, programs: Path, port: int, private: Path) -> None:
    """Have Ada host it and Bob join, with an --input file in a new directory; none may succeed."""
    limits, told = RunLimits(), private / "mine.json"
    private.mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0huddle-test-{os.getpid()}")
        abstract.listen()
        given = {
            "secret": SECRET,
            "private": str(private),
            "name": socket.gethostname(),
            "tcp": port,
            "abstract": f"huddle-test-{os.getpid()}",
            "socket": "/run/nobody",
            "supervisor": os.getpid(),
            "calls": seccomp.numbers("refused"),
            "limits": {**limits.in_force(), "processes": limits.processes},
            "without": ["many_processes"],  # it would end the run
        }
        told.write_text(json.dumps(given))
        program, options = programs / "attempts.py", ("--input", str(told))
        host = people.host(program, "@mine.json", parties=2, url=url, options=options)
        link = host.wait("invitation")["url"]
        guest = people.join("Bob", link, program, options=options, env={"SECRET": SECRET})
        assert guest.end() == 0, guest.story()
        assert host.end() == 0
    event = guest.wait("program")
    assert event["sandbox"] is True
    assert event["weaker"] == []
    assert f"processes={limits.processes}" in event["limits"]
    said = [json.loads(line) for line in guest.output().splitlines() if line.startswith("{")]
    assert len(said) > 30
    assert [each for each in said if each["evidence"] or "error" in each] == []
