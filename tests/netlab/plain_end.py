"""A person without Huddle's runner, for tests: the page's part in a session, without a page.

    python -m tests.netlab.plain_end NAME INVITATION

It accepts what is proposed, and prints the events as lines of JSON, as `huddle join --json` does.
"""

import asyncio
import json
import sys

from huddle import api, events
from huddle.running import account


async def main(name: str, invitation: str) -> int:
    """Take part as a plain end."""
    clean = False
    party = api.join(invitation, name=name, networks=("relay",), plain_end=True)
    async for event in party:
        print(json.dumps(events.as_json(event)), flush=True)
        if isinstance(event, events.Question):
            party.accept()
        if isinstance(event, events.Ended):
            clean = event.clean
    return 0 if clean else 1


if __name__ == "__main__":
    account.refuse_root = lambda: None  # it runs nothing of anybody's
    sys.exit(asyncio.run(main(*sys.argv[1:])))
