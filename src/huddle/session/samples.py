"""The programs that come with Huddle, by name: `huddle host vote` needs no path."""

from pathlib import Path

from huddle.errors import LocalError

_PACKAGE = Path(__file__).resolve().parents[1]
# In an installed Huddle, and in a checkout.
FOLDERS = (_PACKAGE / "programs", _PACKAGE.parents[1] / "programs")


def samples() -> dict[str, Path]:
    """The programs of this installation by name, such as `average_salary`."""
    for folder in FOLDERS:
        if found := sorted(folder.glob("*.py")):
            return {path.stem: path for path in found}
    return {}


def sample(name: str) -> Path:
    """The path of one of them, or of a file beside one, by its file's name."""
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise LocalError(
        f"The program {name} is not part of this installation.", hint="Install mpyc-huddle again."
    )


def named(path: str | Path) -> Path:
    """The file that is meant: the one at this path, else the program of this name."""
    return Path(path) if Path(path).exists() else samples().get(str(path), Path(path))
