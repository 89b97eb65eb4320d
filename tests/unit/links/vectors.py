"""What one end of a link does at each step: `python -m tests.unit.links.vectors` writes it anew.

Browsers have the machine of links/protocol.py in JavaScript (web/src/core/link.ts), and both must do the
same. A step is [what, bytes or number, time in seconds] and then what came of it: `out` for the
wire, `frames` for the program, `error`, `events`, and the state that others see. Bytes are hexadecimal,
`fill N` for N DATA frames of 64 KiB zeros and depth 1; results over 64 bytes are told as their size and
SHA-256.
"""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

from huddle.errors import PeerError
from huddle.links.frames import (
    ACK,
    BYE,
    END,
    EOF,
    MAX_PAYLOAD,
    PING,
    PONG,
    RESUME,
    FrameError,
    control,
    data_frames,
)
from huddle.links.protocol import NEVER, LinkProtocol

FILE = Path(__file__).parents[2] / "vectors" / "link.json"
SMALL = data_frames(b"abc", 1) + data_frames(b"defgh", 3) + control(EOF) + data_frames(b"i", 2)


def meant(text: str) -> bytes:
    """The bytes of a step."""
    if text.startswith("fill "):
        return data_frames(bytes(MAX_PAYLOAD), 1) * int(text[5:])
    return bytes.fromhex(text)


def told(data: bytes) -> str:
    """Bytes as results have them."""
    return data.hex() if len(data) <= 64 else f"{len(data)} {hashlib.sha256(data).hexdigest()}"


class Recorder:
    """A link, and all that was done to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.link = LinkProtocol("peer")
        self.steps: list[Any] = []
        self.out = b""  # what the last step sent

    def __call__(self, what: str, value: str | int = 0, now: float = 0.0) -> bytes:
        """Do that; returns the frames for the program."""
        link, frames, error = self.link, b"", ""
        try:
            if what == "write":
                link.write(meant(str(value)))
            elif what == "receive":
                frames = b"".join(link.receive(meant(str(value)), now))
            elif what == "delivered":
                link.delivered(int(value), now)
            elif what == "attach":
                link.attach(now)
            elif what == "timer":
                link.handle_timer(now)
            else:
                {"detach": link.detach, "finish": link.finish, "abandon": link.abandon}[what]()
        except PeerError as exc:
            error = exc.message.removeprefix("peer broke the link's protocol: ")
        except FrameError as exc:
            error = str(exc)
        except BufferError:
            error = "full"
        self.out = link.output()
        came: dict[str, Any] = {"out": told(self.out), "frames": told(frames), "error": error}
        came["events"] = [event.value for event in link.events]
        link.events.clear()
        came["state"] = [
            link.state.value,
            link.writable,
            *(link.sent, link.acked, link.received, link.delivered_to),
            *(link.messages_sent, link.messages_received, link.rounds, link.attached),
            *(link.ended_here, link.ended_there),
            *(None if time is None else round(time, 6) for time in (link.rtt, link.last_rtt)),
            None if link.due == NEVER else round(link.due, 6),
        ]
        self.steps.append([what, value, now, {key: value for key, value in came.items() if value}])
        return frames


def online(name: str, offset: int = 0) -> Recorder:
    """A link whose peer has resumed at that offset."""
    made = Recorder(name)
    made("attach")
    made("receive", control(RESUME, offset).hex())
    return made


def abuse() -> list[Recorder]:
    """A peer, or a program, that does what it may not."""
    made = []
    for name, value in [
        ("a second RESUME", control(RESUME, 0)),
        ("an ACK of what was never sent", control(ACK, 1)),
        ("a frame after END", control(END) + SMALL),
        ("a frame behind a PING after END", control(END) + control(PING, 7) + SMALL),
        ("no frame", b"\xff" * 8),
        ("no frame behind some", SMALL + bytes(8)),
        ("http", b"GET / HTTP/1.1\r\n"),
        ("too long a frame", b"\x01\x01\x00\x01\0\0\0\1"),
        ("a depth where none belongs", b"\x02\0\0\0\0\0\0\1"),
    ]:
        made.append(online(f"the peer sends {name}"))
        made[-1]("receive", value.hex())
        made.append(Recorder(f"the peer sends {name}, before RESUME"))
        made[-1]("attach")
        made[-1]("receive", value.hex())
        made.append(online(f"the program writes {name}"))
        made[-1]("write", value.hex())
    for offset in (0, 11, 12, 19, len(SMALL), len(SMALL) + 1, 2**64 - 1):
        made.append(online(f"RESUME at {offset} after an ACK of 11"))
        made[-1]("write", SMALL.hex())
        made[-1]("receive", control(ACK, 11).hex())
        made[-1]("detach")
        made[-1]("attach")
        if offset < 2**53:
            made[-1]("receive", control(RESUME, offset).hex())
    made.append(online("an ACK below an earlier one"))
    made[-1]("write", SMALL.hex())
    made[-1]("receive", (control(ACK, 19) + control(ACK, 11)).hex())
    return made


def full() -> Recorder:
    """A window that fills, and empties."""
    link = online("a full window")
    link("write", "fill 120")
    link("write", "fill 10")
    link("write", "fill 20")
    link("receive", control(ACK, 2 * (MAX_PAYLOAD + 8)).hex())
    link("receive", control(ACK, 40 * (MAX_PAYLOAD + 8)).hex())
    link("detach")
    link("attach", 0, 1.0)
    link("receive", control(RESUME, 60 * (MAX_PAYLOAD + 8)).hex(), 1.0)
    link("receive", "fill 4", 1.0)
    link("delivered", 3 * (MAX_PAYLOAD + 8), 1.0)
    link("delivered", 4 * (MAX_PAYLOAD + 8), 1.0)
    link("receive", "fill 200", 1.0)
    return link


def life() -> list[Recorder]:
    """Times, and the end."""
    link = online("times and the end")
    link("receive", (control(PING, 5) + control(PING, 6)).hex(), 0.1)
    link("receive", control(PING, 2**64 - 1).hex(), 0.7)
    link("receive", control(PONG, 2).hex(), 0.7)
    link("receive", control(PONG, 1).hex(), 0.8)
    link("receive", SMALL.hex(), 0.8)
    link("delivered", 11, 0.8)
    for now in (0.84, 0.86, 2.0, 2.1):
        link("timer", 0, now)
    link("receive", control(PONG, 2).hex(), 2.2)
    link("delivered", len(SMALL), 2.2)
    link("write", data_frames(b"x" * 20, 9)[:13].hex())
    link("write", data_frames(b"x" * 20, 9)[13:].hex())
    link("write", control(END).hex())
    link("write", SMALL.hex())
    link("finish")
    link("receive", control(ACK, 36).hex(), 2.3)
    link("receive", control(END).hex(), 2.3)
    link("delivered", len(SMALL) + 8, 2.3)
    link("receive", control(BYE).hex() + SMALL.hex(), 2.4)
    link("write", SMALL.hex())
    silent = online("a silent wire")
    for now in (2.0, 4.0, 5.9, 6.0):
        silent("timer", 0, now)
    still = online("this end stood still")
    still("timer", 0, 9.0)
    still("timer", 0, 15.0)
    left = online("a peer that leaves early")
    left("receive", SMALL.hex() + control(BYE).hex())
    first = Recorder("a first wire and a second")
    first("write", SMALL[:11].hex())
    first("attach")
    first("write", SMALL[11:20].hex())
    first("write", SMALL[20:].hex())
    first("receive", control(RESUME, 0).hex() + SMALL.hex())
    first("detach")
    first("attach", 0, 1.0)
    first("write", SMALL.hex(), 1.0)
    first("receive", control(RESUME, 11).hex(), 1.0)
    gone = online("abandoned")
    gone("write", SMALL.hex())
    gone("abandon")
    gone("attach")
    gone("receive", SMALL.hex())
    return [link, silent, still, left, first, gone]


def mesh(seed: int) -> Recorder:
    """Two ends that write and are cut anywhere; the steps of one of them."""
    chance = random.Random(seed)
    one, other = Recorder(f"cuts, seed {seed}"), Recorder("")
    ways = {True: bytearray(), False: bytearray()}
    now, got = 0.0, {True: 0, False: 0}

    def act(mine: bool, what: str, value: str | int = 0) -> None:
        end = one if mine else other
        got[mine] += len(end(what, value, round(now, 3)))
        ways[not mine] += end.out

    for _ in range(60):
        now += chance.random() / 10
        mine, pick = chance.random() < 0.5, chance.random()
        end = one if mine else other
        if end.link.state.value == "offline":
            act(True, "attach")
            act(False, "attach")
        elif pick < 0.3:
            act(
                mine,
                "write",
                data_frames(bytes([int(pick * 800)]) * int(1 + pick * 99), int(pick * 60)).hex(),
            )
        elif pick < 0.75:
            size = 1 + int(chance.random() * 60)
            data, ways[mine] = bytes(ways[mine][:size]), ways[mine][size:]
            act(mine, "receive", data.hex())
        elif pick < 0.9:
            act(mine, "delivered", got[mine])
        elif pick < 0.95:
            act(mine, "timer")
        else:
            for side in (True, False):
                ways[side].clear()
                act(side, "detach")
    return one


def text() -> str:
    """The file, from nothing."""
    made = [*abuse(), full(), *life(), *(mesh(seed) for seed in range(3))]
    scenarios = ",\n".join(
        f'{{"name": {json.dumps(one.name)}, "steps": [\n'
        + ",\n".join(json.dumps(step) for step in one.steps)
        + "\n]}"
        for one in made
    )
    return f'{{"about": "tests/unit/links/vectors.py", "scenarios": [\n{scenarios}\n]}}\n'


if __name__ == "__main__":
    FILE.write_text(text())
