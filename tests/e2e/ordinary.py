"""The command `huddle` as an ordinary account's, where root tries it: python ordinary.py UID [ARGUMENT ...]

Python and the checkout may lie where only root comes to; they are shown to that account, and nothing beside.
"""

import os
import sys
from pathlib import Path

from huddle.running import account

ROOT = Path(__file__).resolve().parents[2]


def main(uid: int, *args: str) -> None:
    person = account.Account(uid, uid, (uid,), "ordinary", os.environ["HUDDLE_HOME"])
    account.open_up(person, [ROOT / "src", ROOT / "tests", Path(sys.prefix), Path(sys.base_prefix)])
    account.become(person)
    os.execv(sys.executable, [sys.executable, "-m", "huddle", *args])  # noqa: S606 - as a shell would


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
