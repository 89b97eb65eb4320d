"""A program of which the guest's processes together take 300 MB, each less than it may."""

import os
import time

from mpyc.runtime import mpc

if mpc.pid == 1:
    for _ in range(3):
        if not os.fork():
            kept = bytearray(os.urandom(1)) * 100_000_000
            time.sleep(100)
    time.sleep(100)
mpc.run(mpc.start())
mpc.run(mpc.shutdown())
