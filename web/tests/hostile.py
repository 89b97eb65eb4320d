"""A rendezvous that changes what it shows of its rooms, in front of the honest one whose URL is given.

Prints its own URL, and lies until its input ends.
"""

import sys

from tests.e2e.liar import Liar

# The connections to rooms: the host's to the session's and to its short code's, then the guests'.
GUESTS = 2


def replays(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    """Guests are shown the second record once more behind the third."""
    return [record, before[1]] if who >= GUESTS and len(before) == 2 else [record]


with Liar(sys.argv[1]) as liar:
    liar.lie = replays
    print(liar.url, flush=True)
    sys.stdin.read()
