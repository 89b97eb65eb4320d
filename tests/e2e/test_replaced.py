"""A party that is lost after the start is replaced; those who stayed do not join anew. On terminals."""

import re
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.e2e.test_lobby import Seat, all_say_yes, hosts, program, seat

__all__ = ["program", "seat"]

QUICK = ("--grace", "12")
# The time, since a terminal's text has each line once.
SUM = (
    "import time\nfrom mpyc.runtime import mpc\n\n"
    "mpc.run(mpc.start())\n"
    "secint = mpc.SecInt(32)\n"
    "given = int(input(f'Your number ({time.time_ns()})? '))\n"
    "print('sum', mpc.run(mpc.output(sum(mpc.input(secint(given))))), flush=True)\n"
    "mpc.run(mpc.shutdown())\n"
)


def seen_words(person: Terminal) -> list[str]:
    """The four words each time that they were shown."""
    return re.findall(r"\n\s+([a-z]+   [a-z]+   [a-z]+   [a-z]+)\s", person.text)


def test_who_is_killed_while_it_runs_is_replaced_and_the_others_stay(
    url: str, seat: Seat, program: Path
) -> None:
    program.write_text(SUM)
    ada = seat("Ada", "host", "--parties", "3", "--rendezvous", url, *QUICK, str(program))
    link = ada.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    bob, cyd = seat("Bob", "join", *QUICK, link), seat("Cyd", "join", *QUICK, link)
    all_say_yes(ada, bob, cyd)
    for person in (ada, bob, cyd):
        person.wait("Your number")
    bob.process.kill()
    bob.process.wait(10)
    ada.wait("Bob was lost. The others keep their seats")
    second = ada.wait(r"\n\s+(http\S+/j#\S+)\s+Or read out")[1]
    assert second != link
    ada.stands("While you wait")
    cyd.wait("Bob was lost. You keep your seat and need not join again")
    cyd.wait("2 of 3 are here")
    late = seat("Bob", "join", *QUICK, link)
    late.wait("no such room|has ended")
    assert late.end() != 0
    dan = seat("Dan", "join", *QUICK, second)
    all_say_yes(ada, cyd, dan)
    for number, person in enumerate((ada, cyd, dan), 1):
        person.wait("Your number")
        person.type(str(number))
    for person in (ada, cyd, dan):
        person.wait("sum 6")
        assert person.end() == 0, person.text
    assert len({*seen_words(ada)}) >= 2 and seen_words(ada)[-1] == seen_words(cyd)[-1] == seen_words(dan)[-1]


def test_who_leaves_after_a_failed_run_is_replaced(url: str, seat: Seat, program: Path) -> None:
    right = program.read_text()
    program.write_text(right.replace("print('first')", "raise SystemExit(3)"))
    ada, link = hosts(seat, url, program, 3)
    bob, cyd = seat("Bob", "join", link), seat("Cyd", "join", link)
    all_say_yes(ada, bob, cyd)
    ada.wait(r"Try again\?")
    bob.wait("Run 1 failed")
    bob.ctrl_c()
    bob.end()
    ada.wait("Bob was lost. The others keep their seats")
    second = ada.wait(r"\n\s+(http\S+/j#\S+)\s+Or read out")[1]
    cyd.wait("You keep your seat")
    program.write_text(right)
    ada.stands("While you wait")
    ada.type("p")
    ada.wait("All are asked anew: prog.py changed")
    dan = seat("Dan", "join", second)
    all_say_yes(ada, cyd, dan)
    for person in (ada, cyd, dan):
        person.wait("first")
        assert person.end() == 0, person.text


def test_two_are_enough_the_one_who_is_left_waits_for_another(url: str, seat: Seat, program: Path) -> None:
    program.write_text(SUM)
    ada = seat("Ada", "host", "--parties", "2", "--rendezvous", url, *QUICK, str(program))
    link = ada.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    bob = seat("Bob", "join", *QUICK, link)
    all_say_yes(ada, bob)
    for person in (ada, bob):
        person.wait("Your number")
    bob.ctrl_c()
    bob.ctrl_c()
    bob.end()
    ada.wait("Bob was lost. Whoever gets the new link")
    second = ada.wait(r"\n\s+(http\S+/j#\S+)\s+Or read out")[1]
    cyd = seat("Cyd", "join", *QUICK, second)
    all_say_yes(ada, cyd)
    for person in (ada, cyd):
        person.wait("Your number")
        person.type("4")
    for person in (ada, cyd):
        person.wait("sum 8")
        assert person.end() == 0, person.text
