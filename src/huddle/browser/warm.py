"""What a browser keeps of Python in memory from one visit to the next: modules that both workers need.

A snapshot of the memory is made after these imports, by a worker that has done nothing else (see
web/src/core/snapshots.ts), so no secret and no JavaScript object is in it. What was random then must be
made anew when it is restored; the seed of `hash` can't be, and is that of the browser from then on.
"""

import random

from huddle.browser.standins import install
from huddle.engine.runner import set_environment


def prepare() -> None:
    """Import all that does not depend on where it runs; MPyC without its runtime, which reads sys.argv."""
    set_environment()
    install()
    import argparse  # noqa: F401
    import configparser  # noqa: F401
    import datetime  # noqa: F401
    import pickle  # noqa: F401

    import mpyc.mpctools
    import mpyc.random
    import mpyc.seclists
    import mpyc.secgroups
    import mpyc.secpols
    import mpyc.statistics  # noqa: F401

    import huddle.engine.party
    import huddle.engine.runner_loop
    import huddle.networks.relay
    import huddle.networks.webrtc  # noqa: F401


def restored() -> None:
    """Forget what was random when the snapshot was made."""
    random.seed()
