"""With this directory in PYTHONPATH a party waits seconds where it would wait minutes for the others.

Only the patience of the ceremony differs, so that a test can sit it out.
"""

from functools import partial

from huddle.ceremony import guest as ceremony_guest
from huddle.ceremony import host as ceremony_host
from huddle.groups import front_room
from huddle.session import hosting

ceremony_host.REVEAL_SECONDS = 12.0
ceremony_host.REPLACE_SECONDS = 2.0
ceremony_guest.HOST_SECONDS = 4.0
front_room.HOST_MISSED = 4.0
hosting.Options = partial(hosting.Options, patience=12)
