"""With this directory in PYTHONPATH a whole party cheats, after the ceremony, as CHEAT says.

pid       on every wire it claims to be party 1
outcome   it says that its program has ended, and never how
paths     the host proposes a second program whose files have hostile paths
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from huddle.ceremony.manifest import Manifest
from huddle.codec import encode
from huddle.links.manager import LinkManager
from huddle.session import control_messages as control
from huddle.session.agreement import Agreement
from huddle.session.peers import PeerMonitor

if os.environ.get("CHEAT") == "pid":
    keep = LinkManager.__init__

    def claim(self: LinkManager, pid: int, *args: Any, **more: Any) -> None:
        keep(self, 1, *args, **more)

    LinkManager.__init__ = claim  # type: ignore[method-assign]

if os.environ.get("CHEAT") == "outcome":
    tell = PeerMonitor.broadcast

    def leave_out(self: PeerMonitor, message: control.Message) -> None:
        if not isinstance(message, control.Outcome):
            tell(self, message)

    PeerMonitor.broadcast = leave_out  # type: ignore[method-assign]

if os.environ.get("CHEAT") == "paths":
    honest = Agreement.proposal

    def proposal(manifest: Manifest, contents: Mapping[str, bytes]) -> Iterator[control.Message]:
        path = "../../planted.py"
        files = (replace(manifest.files[0], path=path),)
        hostile = replace(manifest, entry=path, files=files)
        for message in honest(manifest, contents):
            yield (
                control.RunProposal(encode(hostile)) if isinstance(message, control.RunProposal) else message
            )

    Agreement.proposal = staticmethod(proposal)  # type: ignore[method-assign, assignment]
