"""All parties send each other many megabytes at once, and party 0 reads nothing for a while, or with
--ask until a line is typed.

Every party prints the digest of what came from each of the others; the contents of a stream follow from
its sender.
"""

import argparse
import asyncio
import hashlib
import time

from mpyc.runtime import mpc

MB = 1 << 20


def piece(sender, number):
    return hashlib.shake_128(b"%d of %d" % (number, sender)).digest(256) * (MB // 256)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=24)
    parser.add_argument("--block", type=float, default=3)
    parser.add_argument("--ask", action="store_true")
    args = parser.parse_args()
    async with mpc:
        coming = [mpc.transfer(piece(mpc.pid, number)) for number in range(args.megabytes)]
        for _ in range(5):
            await asyncio.sleep(0)  # what was written goes to the sockets
        if mpc.pid == 0:
            # It is to block the loop.
            if args.ask:
                input()  # noqa: ASYNC250
            else:
                time.sleep(args.block)  # noqa: ASYNC251
        digests = [hashlib.sha256() for _ in mpc.parties]
        for pieces in coming:
            for digest, data in zip(digests, await pieces, strict=True):
                digest.update(data)
    for pid, digest in enumerate(digests):
        print(f"from {pid} {digest.hexdigest()}", flush=True)


if __name__ == "__main__":
    mpc.run(main())
