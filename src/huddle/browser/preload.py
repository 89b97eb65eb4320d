"""What a browser's workers begin with, already imported: the memory that the build makes (web/compile.mjs).

The build calls `prepare` and copies Python's memory: no secret is in it, and no JavaScript object. A worker
that begins with a copy calls `restored`, which makes anew what was random; the seed of `hash` can't be, and
is the same for everybody. A worker without a copy calls the part of `prepare` that is its own.
"""

import random

from huddle.browser.loop import sleep
from huddle.browser.mpyc_import import prepare_mpyc
from huddle.browser.spake2_shim import install


def prepare() -> None:
    """Import all that either worker needs."""
    prepare_runner()
    prepare_session()


def prepare_runner() -> None:
    """Import what a runner's worker needs."""
    prepare_mpyc()
    import huddle.browser.runner_worker  # noqa: F401


def prepare_session() -> None:
    """Import what the session's worker needs."""
    install()
    # What a session imports only when it has to, since that takes long where no memory is copied.
    import huddle.browser.session_worker
    import huddle.calls.driver
    import huddle.session.joining_group  # noqa: F401
    from huddle.networks import registry

    for kind in registry.kinds():
        if kind.in_browser:
            kind.load()


def restored() -> None:
    """Forget what was random when the memory was copied, and see that this Python can wait for JavaScript."""
    random.seed()
    sleep(0.001)
