"""A rendezvous that changes what it shows of its rooms, in front of the honest one whose URL is given.

Prints its own URL, and lies until its input ends.
"""

import sys

from tests.e2e.liar import Liar


def forges(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    """Everything but the first record has another last byte."""
    return [record[:-1] + bytes([record[-1] ^ 1]) if before else record]


with Liar(sys.argv[1]) as liar:
    liar.lie = forges
    print(liar.url, flush=True)
    sys.stdin.read()
