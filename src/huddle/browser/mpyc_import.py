"""How a browser's worker imports MPyC: ahead of the program, and once more with what the program brings."""

import importlib
import logging
import sys

from huddle.running.runner.main import set_environment


def prepare_mpyc(*flags: str) -> None:
    """Import MPyC, but its runtime, which is the program's own; it says nothing meanwhile."""
    set_environment()
    sys.argv = ["", "--no-log", *flags]
    import pickle  # noqa: F401

    import mpyc.mpctools
    import mpyc.random
    import mpyc.secgroups
    import mpyc.seclists
    import mpyc.secpols
    import mpyc.statistics  # noqa: F401


def begin_mpyc() -> None:
    """What MPyC does first, with the program's arguments: it sets its log up and gives its hints."""
    import mpyc

    logging.getLogger().handlers.clear()
    importlib.reload(mpyc)
