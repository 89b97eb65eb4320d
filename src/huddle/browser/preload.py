"""What a browser's workers import before anybody waits for it, and share as memory.

The session worker copies its memory after `prepare`, before it has done anything else (see `remembered` in
web/src/core/python.ts): no secret is in it, and no JavaScript object. What was random then must be made anew,
in the copies and in that worker itself; the seed of `hash` can't be, and is that of the browser from then on.
"""

import importlib
import logging
import random
import sys

from huddle.browser.spake2_shim import install
from huddle.running.runner.main import set_environment


def prepare() -> None:
    """Import all that either worker needs."""
    prepare_mpyc()
    install()
    import huddle.browser.runner_worker
    import huddle.browser.session_worker
    import huddle.networks.relay.network
    import huddle.networks.webrtc.network  # noqa: F401


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


def restored() -> None:
    """Forget what was random when the memory was copied."""
    random.seed()
