"""Uses what honest programs use, so that a sandbox which forbids too much is noticed."""

import asyncio
import multiprocessing
import socket
import subprocess
import sys
import tempfile
import threading
from multiprocessing import shared_memory

INNER = """
from mpyc.runtime import mpc
async def main():
    async with mpc:
        print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(2)))))
mpc.run(main())
"""


def square(number):
    return number * number


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


async def echo(start):
    async def answer(reader, writer):
        writer.write(await reader.read(3))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"abc")
    assert await reader.read(3) == b"abc"
    writer.close()
    server.close()
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    return start


def main():
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
    queue = multiprocessing.Queue()
    queue.put(1)
    assert queue.get() == 1
    block = shared_memory.SharedMemory(create=True, size=1000)
    block.close()
    block.unlink()
    print("multiprocessing")

    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        with socket.create_server((host, 0), family=family) as server:
            with socket.create_connection(server.getsockname()[:2]) as client:
                client.send(b"x")
                assert server.accept()[0].recv(1) == b"x"
    one, other = socket.socketpair()
    one.send(b"x")
    assert other.recv(1) == b"x"
    print("sockets")

    threads = [threading.Thread(target=square, args=(2,)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tempfile.TemporaryDirectory() as folder:
        assert subprocess.run(["ls", folder], capture_output=True, check=True).stdout == b""
    print("threads and processes")

    import gmpy2
    import numpy
    import uvloop

    assert (numpy.ones((100, 100)) @ numpy.ones((100, 100)))[0, 0] == 100
    assert gmpy2.mpz(3) ** 5 == 243
    assert uvloop.run(echo(7)) == 7
    print("numpy, gmpy2, uvloop")

    with open("inner.py", "w") as file:
        file.write(INNER)
    parties = [word for port in free_ports(3) for word in ("-P", f"127.0.0.1:{port}")]
    inner = [
        subprocess.Popen(
            [sys.executable, "inner.py", *parties, "-I", str(pid)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for pid in range(3)
    ]
    assert all("total 6" in process.communicate(timeout=40)[0].decode() for process in inner)
    print("MPyC")


if __name__ == "__main__":
    main()
