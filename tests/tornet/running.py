"""A Tor network of its own for tests: three authorities and three relays on one address.

    with tor_network(directory) as config: …     # `config` are the lines that a client needs

As chutney makes them, with as few options as work. They vote every 10 s, and it takes about 20 s until
clients may come. The processes end with the block, and by themselves with the process that made them.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

AUTHORITIES, RELAYS = 3, 3
PATIENCE = 120.0  # seconds: a loaded machine misses votes
INTERVAL = 10  # seconds between two votes: the least that Tor takes

# What all of them have. Votes are delayed by 2 s: the two must be less than half of the interval.
COMMON = f"""\
TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
TestingV3AuthInitialVotingInterval {INTERVAL}
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval {INTERVAL}
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
ShutdownWaitLength 0
"""
NOBODY = f"x orport=1 v3ident={'0' * 40} 127.0.0.1:1 {'f' * 40}"


def tools() -> None:
    """Leave the test out where there is no Tor; in CI that is a failure."""
    if shutil.which("tor") and shutil.which("tor-gencert"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("tor is missing")
    pytest.skip("tor is missing; scripts/setup installs it")


@contextlib.contextmanager
def tor_network(directory: Path, address: str = "127.0.0.1") -> Iterator[Path]:
    """Run one on this address, of the network that the caller is in; the file of lines for clients."""
    tools()
    ports = _free(address, AUTHORITIES * 2 + RELAYS)
    names = [f"a{number}" for number in range(AUTHORITIES)] + [f"r{number}" for number in range(RELAYS)]
    own, lines = {}, []
    for name in names:
        home = directory / name
        (home / "keys").mkdir(parents=True, mode=0o700)
        home.chmod(0o700)
        port = ports.pop()
        own[name] = (
            f"DataDirectory {home}\nNickname {name}\nAddress {address}\nAssumeReachable 1\n"
            f"ORPort {address}:{port}\nExitRelay 0\nSocksPort 0\n__OwningControllerProcess {os.getpid()}\n"
        )
        if name.startswith("a"):
            identity, directory_port = _authority(home), ports.pop()
            fingerprint = _fingerprint(home, own[name])
            lines.append(
                f"DirAuthority {name} orport={port} no-v2 v3ident={identity}"
                f" {address}:{directory_port} {fingerprint}\n"
            )
            own[name] += f"DirPort {address}:{directory_port}\nAuthoritativeDirectory 1\n"
            own[name] += "V3AuthoritativeDirectory 1\nContactInfo nobody\n"
    config = directory / "client"
    config.write_text(COMMON + "".join(lines))
    processes = []
    try:
        for name in names:
            file = directory / name / "torrc"
            file.write_text(config.read_text() + own[name])
            processes.append(subprocess.Popen(["tor", "--quiet", "-f", file, "--defaults-torrc", os.devnull]))
        _until_all_are_voted_for(directory / "a0" / "cached-microdesc-consensus", len(names))
        yield config
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _authority(home: Path) -> str:
    """Make the keys of an authority; its identity."""
    keys = home / "keys"
    command = ["tor-gencert", "--create-identity-key", "-m", "12", "--passphrase-fd", "0"]
    for option, name in (("-i", "identity_key"), ("-s", "signing_key"), ("-c", "certificate")):
        command += [option, str(keys / f"authority_{name}")]
    subprocess.run(command, input=b"x\n", check=True, capture_output=True)
    found = re.search(r"^fingerprint ([0-9A-F]{40})", (keys / "authority_certificate").read_text(), re.M)
    assert found
    return found[1]


def _fingerprint(home: Path, lines: str) -> str:
    """Make the keys of a relay; its fingerprint."""
    (home / "torrc").write_text(COMMON + lines)
    command = ["tor", "-f", str(home / "torrc"), "--list-fingerprint", "--DirAuthority", NOBODY]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(said).strip().splitlines()[-1].partition(" ")[2].replace(" ", "")


def _free(address: str, count: int) -> list[int]:
    """So many ports that are free now."""
    with contextlib.ExitStack() as stack:
        bound = [stack.enter_context(socket.create_server((address, 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in bound]


def _until_all_are_voted_for(consensus: Path, relays: int) -> None:
    """Clients that come earlier wait longer: they ask again only after a while."""
    deadline = time.monotonic() + PATIENCE
    while not consensus.exists() or len(re.findall(r"^s .*\bHSDir\b", consensus.read_text(), re.M)) < relays:
        assert time.monotonic() < deadline, "the test's Tor network did not come up"
        time.sleep(0.2)
