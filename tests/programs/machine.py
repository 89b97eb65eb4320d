"""Asks of the machine what programs usually ask, and says what it found."""

import concurrent.futures
import getpass
import grp
import locale
import logging
import multiprocessing
import os
import platform
import pwd
import socket
import subprocess
import sys
import tempfile
from pathlib import Path


def double(number):
    return 2 * number


if __name__ == "__main__":
    from mpyc.runtime import mpc

    assert socket.gethostbyname("localhost") == "127.0.0.1"
    assert socket.getaddrinfo("localhost", 80)
    socket.gethostbyname(socket.gethostname())
    assert platform.node()
    who = getpass.getuser()
    assert pwd.getpwuid(os.getuid()).pw_dir and grp.getgrgid(os.getgid()).gr_name
    assert Path("~").expanduser() == Path.home()
    (Path.home() / "cache-of-the-program").mkdir()
    (Path.home() / "cache-of-the-program").rmdir()
    locale.setlocale(locale.LC_ALL, "")
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as directory:
        file.write(b"x")
        assert os.path.isdir(directory)
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            assert pool.map(double, [1, 2, 3]) == [2, 4, 6], method
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            assert executor.submit(double, 4).result() == 8
        queue = context.Queue()
        process = context.Process(target=queue.put, args=(5,))
        process.start()
        assert queue.get(timeout=30) == 5
        process.join()
    inner = """
from mpyc.runtime import mpc
mpc.run(mpc.start())
print("inner", mpc.run(mpc.output(mpc.sum(mpc.input(mpc.SecInt()(1))))))
mpc.run(mpc.shutdown())
"""
    path = Path("inner_program.py")
    path.write_text(inner)
    done = subprocess.run(
        [sys.executable, str(path), "-M3", "--no-log", *(["-B", str(20000 + 100 * mpc.pid)])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    path.unlink()
    assert "inner 3" in done.stdout, done

    async def main():
        async with mpc:
            names = await mpc.transfer(who)
            print("given:", os.environ.get("GIVEN"))
            print("ran by", ", ".join(names), flush=True)

    mpc.run(main())
    logging.shutdown()
