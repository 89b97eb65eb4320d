"""Secret Santa for 2 to --most people, each time over seven kinds of secret numbers, in one computation.

It prints as JSON how many seconds that took since all were connected, and how many bytes this party sent.
Drawings are repeated until they succeed: with a seed, all runs of that seed repeat the same ones, and send
the same messages. Everything secret in such a run can be guessed: it is for measuring only.
"""

import argparse
import json
import random
import time

from mpyc.runtime import mpc
from secret_santa import draw, kinds_of_numbers


def seed_keys(seed: int) -> None:
    """Give this party other keys for pseudorandom secret sharing, of which it sends the others theirs."""
    source = random.Random(f"{seed}/{mpc.pid}")
    mpc._prss_keys = {subset: source.randbytes(16) for subset in mpc._prss_keys}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--most", type=int, default=8)
    args = parser.parse_args()
    if args.seed is not None:
        seed_keys(args.seed)
    async with mpc:
        start = time.perf_counter()
        for size in range(2, args.most + 1):
            for sectype in kinds_of_numbers(size).values():
                await draw(sectype, size)
        seconds = time.perf_counter() - start
        sent = sum(peer.protocol.nbytes_sent for peer in mpc.parties if peer.pid != mpc.pid)
    print(json.dumps({"seconds": seconds, "sent_bytes": sent}))


mpc.run(main())
