"""With this directory in PYTHONPATH a party waits seconds where it would wait minutes for the others.

Only the patience of the ceremony differs, so that a test can sit it out.
"""

from huddle.session import ceremony_guest, ceremony_host

REVEAL = 4.0
ACCEPT = 4.0
REPLACE = 2.0
HOST = 4.0

ceremony_host.REVEAL_SECONDS = ceremony_guest.REVEAL_SECONDS = REVEAL
ceremony_host.REPLACE_SECONDS = REPLACE
ceremony_guest.HOST_SECONDS = HOST
for party in (ceremony_host.Host, ceremony_guest.Guest):
    party.__init__.__kwdefaults__["accept_seconds"] = ACCEPT
