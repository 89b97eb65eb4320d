"""Several calls of mpc.run, as in a notebook, with plain Python and a pause for a person between them."""

import sys

from mpyc.runtime import mpc

secint = mpc.SecInt(32)
mpc.run(mpc.start())
first = mpc.run(mpc.output(mpc.sum(mpc.input(secint(1)))))
print("first:", first)
mine = int(input("A number? "))
second = mpc.run(mpc.output(mpc.sum(mpc.input(secint(mine)))))
print("second:", second)
print("typed:", sys.stdin.readline().strip())
third = mpc.run(mpc.output(mpc.prod(mpc.input(secint(2)))))
print("third:", third)
mpc.run(mpc.shutdown())
