"""The rows that are kept in docs/results, and which of them the document is made of.

`scripts/evaluate` makes them. Until studies/evaluation.toml has been run there are older ones, of a part of
other studies: they are the document's until then.
"""

from pathlib import Path

STUDIES, OLDER = ("evaluation", "disturbed"), ("quick", "thesis")
VALIDATION = "validation"  # beside which simulated times are put; its traces are in docs/results/traces
ENOUGH = 7  # runs for a figure


def is_whole(folder: Path) -> bool:
    """Whether the studies for the document were run."""
    return (folder / f"{STUDIES[0]}.jsonl").is_file()


def files(folder: Path) -> list[Path]:
    """Of what the document shows."""
    paths = [folder / f"{name}.jsonl" for name in (STUDIES if is_whole(folder) else OLDER)]
    return [path for path in paths if path.is_file()]


def of_costs(folder: Path) -> list[Path]:
    """Of what networks and pauses cost in the simulator."""
    validation = folder / f"{VALIDATION}.jsonl"
    return [*files(folder), *([validation] if is_whole(folder) and validation.is_file() else [])]
