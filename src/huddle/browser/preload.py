"""What a browser's workers import before anybody waits for it, and share as memory.

The session worker copies its memory after `prepare`, before it has done anything else (see `remembered` in
web/src/core/python.ts): no secret is in it, and no JavaScript object. What was random then must be made anew,
in the copies and in that worker itself; the seed of `hash` can't be, and is that of the browser from then on.
"""

import random

from huddle.browser.mpyc_import import prepare_mpyc
from huddle.browser.spake2_shim import install


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


def restored() -> None:
    """Forget what was random when the memory was copied."""
    random.seed()
