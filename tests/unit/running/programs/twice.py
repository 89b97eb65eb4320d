"""Two uses of the network with something else in between."""

from mpyc.runtime import mpc

secint = mpc.SecInt()


def total(value):
    mpc.run(mpc.start())
    result = mpc.run(mpc.output(mpc.sum(mpc.input(secint(value)))))
    mpc.run(mpc.shutdown())
    return result


first = total(mpc.pid + 1)
print("first", first)
bonus = int(input("bonus? "))
print("second", total(bonus))
try:
    input()
except EOFError:
    print("no more")
