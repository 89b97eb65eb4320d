"""What a browser's workers begin with, already imported: the memory that the build makes (web/compile.mjs).

The build calls `prepare` and copies Python's memory: no secret is in it, and no JavaScript object. A worker that begins with
a copy calls `restored`, which makes anew what was random; the seed of `hash` can't be, and is the same for everybody.
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
    import huddle.browser.session_worker  # noqa: F401
    from huddle.networks import registry

    for kind in registry.kinds():
        if kind.in_browser:
            kind.load()


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
