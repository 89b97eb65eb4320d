"""A stranger's program that looks for what is none of its business, and says what it found.

The paths to look at and a port to call come as arguments.
"""

import os
import socket
import sys

from mpyc.runtime import mpc

identity, home, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def attempt(name, action):
    try:
        print(f"{name}: got {action()!r}")
    except OSError as error:
        print(f"{name}: refused, {type(error).__name__}")


def read(path):
    with open(path) as file:
        return file.read()


attempt("identity", lambda: read(identity))
attempt("home", lambda: sorted(os.listdir(home)))
attempt("passwords", lambda: read("/etc/shadow"))
attempt("loopback", lambda: socket.create_connection(("127.0.0.1", port), 3).close())
attempt("away", lambda: socket.create_connection(("192.0.2.1", 9), 3).close())
attempt("write", lambda: open(os.path.join(home, "planted"), "w").close())
print("environment:", sorted(name for name in os.environ if "SECRET" in name or "HUDDLE" in name))
print("processes:", len([name for name in os.listdir("/proc") if name.isdigit()]) > 8)


async def main():
    async with mpc:
        print("total:", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(1)))))


mpc.run(main())
