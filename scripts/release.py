"""Builds a release twice, from the last commit, and takes it only where both are the same byte for byte.

    scripts/release [--without-page] [TARGET]        default: dist/

Each build has a directory, a time zone, a umask and a hash seed of its own; its time is the commit's. What is
not committed is not in it. TARGET gets the wheels and sdists of Huddle and its lab, the page for browsers as
a tar file, what they are made of in CycloneDX (by cyclonedx-py and npm), and SHA256SUMS of it all.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
DISTRIBUTIONS = (".", "lab")
PAGE = "huddle-page.tar.gz"
PYTHON_PARTS, PAGE_PARTS, SUMS = "sbom-python.cdx.json", "sbom-page.cdx.json", "SHA256SUMS"


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, umask: int = -1) -> bytes:
    """The command's output; CalledProcessError where it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, umask=umask, stdout=subprocess.PIPE, check=True)
    return done.stdout


def export(where: Path) -> None:
    """The last commit's files."""
    with tarfile.open(fileobj=BytesIO(run("git", "archive", "HEAD"))) as archive:
        archive.extractall(where, filter="data")
    (where / ".venv").symlink_to(ROOT / ".venv")


def build(where: Path, time: int, number: int, *, with_page: bool) -> dict[str, bytes]:
    """One build; its files by name."""
    export(where)
    env = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(time),
        "PYTHONHASHSEED": str(number),
        "TZ": ("UTC", "Asia/Tokyo")[number],
    }
    umask = (0o022, 0o077)[number]
    if with_page:
        run(where / "scripts" / "build-web", cwd=where, env=env, umask=umask)
    target = where / "built"
    for distribution in DISTRIBUTIONS:
        directory = where / distribution
        run(PYTHON, "-m", "hatchling", "build", "--directory", target, cwd=directory, env=env, umask=umask)
    files = {path.name: path.read_bytes() for path in sorted(target.iterdir())}
    if with_page:
        files[PAGE] = packed(where / "web" / "dist", time)
    return files


def packed(directory: Path, time: int) -> bytes:
    """A tar file of a directory whose bytes follow from its files' names and contents alone."""
    plain = BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(directory).as_posix())
            entry.size, entry.mtime, entry.mode = path.stat().st_size, time, 0o644
            with path.open("rb") as file:
                archive.addfile(entry, file)
    return gzip.compress(plain.getvalue(), mtime=time)


def differing(first: dict[str, bytes], second: dict[str, bytes]) -> list[str]:
    """The names of files that are not the same in both."""
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def parts(target: Path, *, with_page: bool) -> None:
    """Lists of what the release is made of: the locked Python packages, and those in the page."""
    locked, listed = ROOT / "requirements" / "runtime.txt", target / PYTHON_PARTS
    tool = ROOT / ".venv" / "bin" / "cyclonedx-py"
    project = ROOT / "pyproject.toml"
    run(tool, "requirements", "--output-reproducible", "--pyproject", project, "-o", listed, locked)
    if with_page:
        said = run("npm", "sbom", "--package-lock-only", "--sbom-format", "cyclonedx", cwd=ROOT / "web")
        (target / PAGE_PARTS).write_bytes(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "dist", metavar="TARGET")
    parser.add_argument(
        "--without-page", action="store_true", help="for a look at the rest: needs no Node.js"
    )
    args = parser.parse_args()
    with_page = not args.without_page
    if run("git", "status", "--porcelain"):
        print("release: what is not committed is left out", file=sys.stderr)
    time = int(run("git", "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory(prefix="huddle-release-") as scratch:
        directories = [Path(scratch) / "first", Path(scratch) / "the second, elsewhere"]
        built = []
        for number, directory in enumerate(directories):
            directory.mkdir()
            print(f"release: building, {number + 1} of 2", file=sys.stderr)
            built.append(build(directory, time, number, with_page=with_page))
    if names := differing(*built):
        print(f"release: these are not the same in two builds: {', '.join(names)}", file=sys.stderr)
        return 1
    if args.target.exists():
        shutil.rmtree(args.target)
    args.target.mkdir(parents=True)
    for name, data in built[0].items():
        (args.target / name).write_bytes(data)
    parts(args.target, with_page=with_page)
    files = sorted(args.target.iterdir())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (args.target / SUMS).write_text("".join(lines), encoding="utf-8")
    print("".join(lines), end="")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"release: {error}")
