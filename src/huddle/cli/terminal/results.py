"""What a run made, as lines for people."""

from collections.abc import Iterator

from huddle import events
from huddle.cli.terminal.marks import safe
from huddle.cli.text import listing, size
from huddle.texts import t, tn

_RESULTS = 6  # files that a program made, named on one line


def results_lines(event: events.Results) -> Iterator[str]:
    """The files, what became of them, and how they could have been kept; lines of markup."""
    shown = [f"{one['path']} ({size(one['size'])})" for one in event.files[:_RESULTS]]
    more = len(event.files) - len(shown)
    names = listing([*shown, *([t("{count} more", count=more)] if more else [])])
    made = tn(
        "The program made {count} file: {names}.",
        "The program made {count} files: {names}.",
        len(event.files),
        names=safe(names),
    )
    yield made
    if event.directory:
        renamed = [
            t("{path} as {kept}", path=one["path"], kept=one["kept"])
            for one in event.files
            if one["kept"] not in ("", one["path"])
        ]
        lost = [one["path"] for one in event.files if not one["kept"]]
        kept = t("Kept in {folder}", folder=safe(event.directory))
        yield f"  {kept}" + (f", {safe(listing(renamed))}." if renamed else ".")
        if lost:
            yield f"  [yellow]{t('Not kept: {names}.', names=safe(listing(lost[:_RESULTS])))}[/]"
    elif not event.carried:
        yield f"  {t('Nothing of it is kept. --output DIR would keep what the program makes.')}"
