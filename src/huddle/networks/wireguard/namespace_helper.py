"""What runs in a user and network namespace of its own, for WireGuard without rights (`rootless`).

    python -m huddle.networks.wireguard.namespace_helper INTERFACE PROGRAM DESCRIPTOR

It makes the namespaces, starts wireguard-go there, and then does what it is asked over the socket with that
descriptor: one JSON object a message, answered by one, with a descriptor where one is wanted. Sockets that
are made here stay in this network wherever they are used.

    {"do": "up", "own": ADDRESS, "peers": [ADDRESS, …], "mtu": N}     {}
    {"do": "tcp", "own": ADDRESS, "port": N, "segment": N or null}    {} and a socket
    {"do": "udp"}                                                     {} and a socket on loopback
    {"do": "uapi"}                                                    {} and a connection to wireguard-go

A failure is {"error": TEXT}. The first message is its own: {}, or why it can't be. It ends, with all
that it made, when the socket is closed, when wireguard-go ends, and with the process that started it.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from huddle.errors import HuddleError
from huddle.networks.wireguard import system

LIMIT = 1 << 16  # bytes of a message
START = 8.0  # seconds for wireguard-go to have its interface and socket
_PR_SET_PDEATHSIG = 1
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000  # linux/mount.h
_LOOK = 0.01


def main(name: str, program: str, channel: socket.socket) -> None:
    """Serve until the end."""
    _die_with_parent(os.getppid())
    try:
        _separate()
        process = _start(name, program)
    except (OSError, HuddleError) as error:
        _answer(channel, {"error": str(error)})
        return
    try:
        _answer(channel, {})
        _serve(name, process, channel)
    finally:
        process.kill()
        process.wait()


def _serve(name: str, process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
    ended = os.pidfd_open(process.pid)
    while True:
        ready, _, _ = select.select([channel.fileno(), ended], [], [])
        if ended in ready:
            return
        message = channel.recv(LIMIT)
        if not message:
            return
        try:
            made = _do(name, json.loads(message))
        except (OSError, HuddleError) as error:
            _answer(channel, {"error": str(error)})
        else:
            _answer(channel, {}, made)
            if made is not None:
                made.close()


def _do(name: str, asked: dict[str, Any]) -> socket.socket | None:
    what = asked["do"]
    if what == "tcp":
        return system.inside(name, IPv6Address(asked["own"]), asked["port"], segment=asked["segment"])
    if what == "udp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        return sock
    if what == "uapi":
        return _connected(name)
    peers = tuple(IPv6Address(peer) for peer in asked["peers"])
    system.bring_up_now(name, system.Addressing(IPv6Address(asked["own"]), peers, asked["mtu"]))
    return None


def _answer(channel: socket.socket, said: dict[str, Any], made: socket.socket | None = None) -> None:
    message = json.dumps(said).encode()
    try:
        socket.send_fds(channel, [message], [made.fileno()] if made is not None else [])
    except OSError:
        pass  # nobody wants it any more, as is seen next


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(1)


def _separate() -> None:
    """A network with nothing but this, and a place for wireguard-go's socket that nobody else sees."""
    uid, gid = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET | os.CLONE_NEWNS)
    for file, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        Path(f"/proc/self/{file}").write_text(text)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", os.path.realpath("/var/run"), "tmpfs", 0)
    system.loopback_up()


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    filesystem = kind.encode() if kind else None
    if libc.mount(source.encode(), target.encode(), filesystem, flags, None):
        code = ctypes.get_errno()
        raise OSError(code, f"mounting over {target}: {os.strerror(code)}")


def _start(name: str, program: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [program, "-f", name],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={"LOG_LEVEL": "error", "PATH": os.environ.get("PATH", os.defpath)},
        preexec_fn=partial(_die_with_parent, os.getpid()),
    )  # fmt: skip
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            assert process.stderr is not None
            lines = process.stderr.read().decode("utf-8", "replace").splitlines()
            why = [line.partition(") ")[2] or line for line in lines if line.startswith("ERROR")]
            raise OSError(f"wireguard-go ended: {' '.join(why) or process.returncode}")
        try:
            _connected(name).close()
        except OSError:
            time.sleep(_LOOK)
        else:
            return process
    process.kill()
    process.wait()
    raise OSError(f"wireguard-go did not start within {START:.0f} s")


def _connected(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(f"/var/run/wireguard/{name}.sock")
    except OSError:
        sock.close()
        raise
    return sock


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], socket.socket(fileno=int(sys.argv[3])))
