"""`huddle host PROGRAM [ARG...] --parties 3`: whose is an option that stands behind the program?

Before PROGRAM every option is Huddle's, and a mistyped one is an error. Behind it, an option that Huddle
knows is Huddle's and every other word is the program's; what follows `--` is the program's, whatever it is.
"""

import re

import click

TAKEN = "huddle.options behind the program"  # in a context's meta: those that Huddle has taken


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
        ours, theirs = self._sort(rest[1:])
        ctx.meta[TAKEN] = tuple(_option(word)[0] for word in ours if word.startswith("-"))
        return super().parse_args(ctx, [*before, *ours, *rest[:1], *theirs])

    def _sort(self, words: list[str]) -> tuple[list[str], list[str]]:
        """Huddle's words and the program's among those behind PROGRAM."""
        takes_value = {
            name: not (param.is_flag or param.count)
            for param in self.params
            if isinstance(param, click.Option)
            for name in (*param.opts, *param.secondary_opts)
        }
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
                theirs.append(word)
                continue
            ours.append(word)
            if takes_value[name] and not separate and queue:
                ours.append(queue.pop(0))
        return ours, theirs


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
