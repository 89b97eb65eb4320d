"""When no program of a run can go on: never while one works, or bytes are under way; and then always."""

import random

from hypothesis import given
from hypothesis import strategies as st

from huddle.running.standstill import Counts, Standstill


def test_one_that_is_alone_and_waits_for_who_is_over() -> None:
    alone = Standstill(0)
    assert not alone.holds()
    alone.take(0, {1: Counts(10, 20, ended=True), 2: Counts(0, 5, ended=True, awaited=True)})
    assert alone.holds()
    assert alone.ended() == [2, 1]
    alone.void()
    assert not alone.holds()


def test_not_while_another_lives_and_may_still_send() -> None:
    here = Standstill(0)
    here.take(0, {1: Counts(10, 20, ended=True), 2: Counts(7, 9, ended=False)})
    assert not here.holds()
    here.take(2, {0: Counts(9, 6, ended=False), 1: Counts(0, 0, ended=True)})
    assert not here.holds(), "it has not read all"
    here.take(2, {0: Counts(9, 7, ended=False), 1: Counts(0, 0, ended=False)})
    assert not here.holds(), "bytes of who is over are under way to it"
    here.take(2, {0: Counts(9, 7, ended=False), 1: Counts(0, 0, ended=True)})
    assert here.holds()


def test_what_another_says_of_itself_must_fit_all_others() -> None:
    here = Standstill(0)
    quiet = Counts(0, 0, ended=False)
    here.take(0, {1: quiet, 2: quiet})
    here.take(1, {0: quiet, 2: Counts(5, 0, ended=False)})
    here.take(2, {0: quiet, 1: quiet})
    assert not here.holds(), "five bytes are under way from 1 to 2"
    here.take(2, {0: quiet, 1: Counts(0, 5, ended=False)})
    assert here.holds()
    here.take(1, {})
    assert not here.holds()


class World:
    """Programs that work, send, read, end and stand still at random; each is counted when it begins to."""

    def __init__(self, seed: int, parties: int = 3) -> None:
        self.random = random.Random(seed)
        self.parties = range(parties)
        self.working = set(self.parties)
        self.over: set[int] = set()
        self.wire: dict[tuple[int, int], list[str]] = {
            (i, j): [] for i in self.parties for j in self.parties if i != j
        }
        self.written = dict.fromkeys(self.wire, 0)
        self.read = dict.fromkeys(self.wire, 0)
        self.seen_end = dict.fromkeys(self.wire, False)
        self.views = [Standstill(pid) for pid in self.parties]

    def step(self) -> None:
        pid = self.random.choice(self.parties)
        if pid in self.over:
            return
        if pid in self.working:
            act = self.random.choice(["send", "send", "rest", "rest", "end"])
            if act == "send":
                to = self.random.choice([one for one in self.parties if one != pid])
                self.wire[pid, to].append("data")
                self.written[pid, to] += 1
            elif act == "rest":
                self.working.discard(pid)
                self.count(pid)
            elif self.random.random() < 0.3:
                self.working.discard(pid)
                self.over.add(pid)
                for to in self.parties:
                    if to != pid:
                        self.wire[pid, to].append("end")
            return
        inbox = [one for one in self.parties if one != pid and self.wire[one, pid]]
        if inbox:
            source = self.random.choice(inbox)
            if self.wire[source, pid].pop(0) == "end":
                self.seen_end[source, pid] = True
            else:
                self.read[source, pid] += 1
                if self.random.random() < 0.5:
                    self.working.add(pid)
                    return
            self.count(pid)

    def count(self, pid: int) -> None:
        row = {
            one: Counts(self.written[pid, one], self.read[one, pid], self.seen_end[one, pid])
            for one in self.parties
            if one != pid
        }
        for view in self.views:
            view.take(pid, row)

    def still(self) -> bool:
        living = [pid for pid in self.parties if pid not in self.over]
        return not self.working and not any(self.wire[i, j] for i, j in self.wire if j in living)


@given(st.integers(0, 2**32))
def test_it_never_says_so_too_early_and_always_in_the_end(seed: int) -> None:
    world = World(seed)
    for _ in range(400):
        world.step()
        for pid in world.parties:
            if pid not in world.over and pid not in world.working and world.views[pid].holds():
                assert world.still()
    if world.still():
        for pid in set(world.parties) - world.over:
            assert world.views[pid].holds()
