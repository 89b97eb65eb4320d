"""`huddle host PROGRAM [ARG...] --parties 3`: whose is an option that stands behind the program?

Before PROGRAM every option is Huddle's, and a mistyped one is an error. Behind it, an option that Huddle
knows is Huddle's and other words are the program's, which everybody sees. So an option there that nearly is
one of Huddle's is an error too: `--privat=--salary=4200` must not travel. What follows `--` is the
program's, whatever it is. A guest's line has no program; there all options but those are Huddle's.
"""

import re
from collections.abc import Iterable

import click

from huddle.texts import t

TAKEN = "huddle.options behind the program"  # in a context's meta: those that Huddle has taken
_DASHES = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"  # editors write these for two
_ABBREVIATED = 4  # letters by which somebody may mean a longer option
_SHORT = 5  # letters of an option of which one mistake makes another word; longer ones may have two
_LONG = 6  # letters with which hardly another word begins: what follows at once is a value
_VALUE = re.compile(r"[^a-z\-]")  # what is in no word, and in most values


class ProgramCommand(click.Command):
    """A command whose arguments are `program` and `args`; it must not allow interspersed arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring Huddle's options to the front, then parse as click does."""
        values, _, _ = self.make_parser(ctx).parse_args(list(args))
        program, behind = values.get("program"), values.get("args")
        if not isinstance(program, str):
            return super().parse_args(ctx, args)
        # Where nothing stands behind the program, click's parser gives a mark of its own, no tuple.
        rest = [program, *(behind if isinstance(behind, tuple) else ())]
        before = args[: len(args) - len(rest)]
        if before[-1:] == ["--"]:
            before.pop()
        ours, theirs = self._sort(ctx, rest[1:])
        ctx.meta[TAKEN] = tuple(_option(word)[0] for word in ours if word.startswith("-"))
        return super().parse_args(ctx, [*before, *ours, *rest[:1], *theirs])

    def _sort(self, ctx: click.Context, words: list[str]) -> tuple[list[str], list[str]]:
        """Huddle's words and the program's among those behind PROGRAM."""
        takes_value = _takes_value(self)
        ours: list[str] = []
        theirs: list[str] = []
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":
                theirs += queue
                break
            name, separate = _option(word)
            if name not in takes_value:
                if meant := nearly(word, takes_value):
                    typed = word.partition("=")[0]
                    problem = t(
                        "{typed} is not an option of Huddle. Did you mean {meant}? If it is the program's, "
                        "put it behind -- : everybody will see it.",
                        typed=typed,
                        meant=meant,
                    )
                    raise click.UsageError(problem, ctx)
                theirs.append(word)
                continue
            ours.append(word)
            if takes_value[name] and not separate and queue:
                ours.append(queue.pop(0))
        return ours, theirs


class GuestCommand(click.Command):
    """A command whose first argument is an invitation: all options are Huddle's, wherever they stand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note which options stand behind the invitation, as if for the program; then parse as click does."""
        takes_value, words = _takes_value(self), iter(args)
        behind, taken = False, list[str]()
        for word in words:
            if word == "--":
                break
            name, separate = _option(word)
            if name not in takes_value:
                behind = behind or not word.startswith("-")
                continue
            if behind:
                taken.append(name)
            if takes_value[name] and not separate:
                next(words, None)
        ctx.meta[TAKEN] = tuple(taken)
        return super().parse_args(ctx, args)


def _takes_value(command: click.Command) -> dict[str, bool]:
    """Whether a value follows, for each option of this command."""
    return {
        name: not (param.is_flag or param.count)
        for param in command.params
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }


def nearly(word: str, options: Iterable[str]) -> str:
    """The long option of Huddle's that somebody probably meant by this word; empty where it is none.

    A value that is an option itself (`privat=--salary=4200`) is one for Huddle, with dashes before it or not.
    """
    typed, equals, value = word.partition("=")
    bare = typed.lstrip(_DASHES)
    dashed = bare != typed or value.startswith("--")
    joined = bare.replace("_", "-")
    bare = joined.casefold()
    if len(bare) < 2 or not (dashed or equals):
        return ""
    known = {option[2:] for option in options if option.startswith("--")}
    if bare in known:
        return f"--{bare}"
    if not dashed:  # `name=Ada` is a slip, `nme=Ada` may be anything
        return ""
    meant = [one for one in sorted(known) if _is_near(bare, one) or _with_value(joined, one)]
    return f"--{min(meant, key=lambda one: _distance(bare, one))}" if meant else ""


def _is_near(bare: str, known: str) -> bool:
    """Whether a word nearly is an option, or what it begins with."""
    private = known == "private"  # the one that must never be mistaken
    if known.startswith(bare) and (len(bare) >= _ABBREVIATED or private):
        return True
    if len(known) < _ABBREVIATED:
        return _slip(bare, known)
    if private and bare.startswith(known):
        return True
    return _distance(bare, known) <= (1 if len(known) <= _SHORT else 2)


def _with_value(word: str, known: str) -> bool:
    """Whether a word is an option with its value joined to it, such as `--port8080` or `--nameAda`."""
    if not word.casefold().startswith(known):
        return False
    rest = word[len(known) :]
    return bool(_VALUE.search(rest)) or (len(known) >= _LONG and rest[:1].isalpha())


def _slip(bare: str, known: str) -> bool:
    """Whether of a short option one letter was left out or typed twice, or two were swapped.

    Another letter makes another word: `--end` is not `--env`.
    """
    places = range(len(known))
    changed = {known[:at] + known[at + 1 :] for at in places}
    changed |= {known[:at] + known[at] + known[at:] for at in places}
    changed |= {known[:at] + known[at + 1 : at + 2] + known[at] + known[at + 2 :] for at in places}
    return bare in changed


def _distance(one: str, other: str) -> int:
    """How many letters were left out, added, changed or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _option(word: str) -> tuple[str, bool]:
    """The option that a word is, and whether its value stands in the same word (`--parties=3`, `-M3`).

    Options of one letter take numbers: `-Months` is a program's own.
    """
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        return name, bool(equals)
    if short := re.fullmatch(r"(-[A-Za-z])(-?\d+)?", word):
        return short[1], short[2] is not None
    return "", False
