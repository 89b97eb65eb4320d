"""Prints the time of day when MPyC is connected: the end of a session's set-up."""

import json
import time

from mpyc.runtime import mpc

mpc.run(mpc.start())
print(json.dumps({"connected": time.time()}))
mpc.run(mpc.shutdown())
