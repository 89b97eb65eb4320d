"""What a program names itself: modules of all kinds, data by literal paths, variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle.session.belongings import Belongings, belongings, matching, variables


def found(files: dict[str, str], entry: str = "a.py", workdir: str = "") -> Belongings:
    return belongings(entry, files, lambda path: files[path].encode(), workdir)


def test_packages_namespace_packages_and_what_they_import_in_turn() -> None:
    files = {
        "a.py": "import pack.part, os\nfrom space import mod\ndef f():\n    import late\n",
        "pack/__init__.py": "from . import other\nfrom .sub import deep\n",
        "pack/part.py": "from ..a import x\n",
        "pack/other.py": "from pack.sub.deep import y\n",
        "pack/sub/deep.py": "import importlib\nimportlib.import_module('named')\n",
        "space/mod.py": "",
        "late.py": "",
        "named.py": "",
        "unused.py": "",
        "pack/unused.py": "",
    }
    assert found(files).modules == (
        "late.py",
        "named.py",
        "pack/__init__.py",
        "pack/other.py",
        "pack/part.py",
        "pack/sub/deep.py",
        "space/mod.py",
    )


def test_modules_are_looked_for_beside_the_entry_and_at_the_root() -> None:
    files = {
        "demos/a.py": "import near\nfrom tools import box\n",
        "demos/near.py": "",
        "tools/box.py": "",
        "near.py": "",
    }
    assert found(files, "demos/a.py").modules == ("demos/near.py", "near.py", "tools/box.py")


def test_data_by_literal_paths() -> None:
    source = """
import os
from pathlib import Path
open("t.csv"); open(os.path.join("data", "u.csv")); Path("data") / "v.csv"
np.load(Path(__file__).parent / "data" / "w.npy"); open("../secret"); open("/etc/passwd"); open("results/x")
os.listdir("empty")
"""
    files = {
        "a.py": source,
        "t.csv": "",
        "data/u.csv": "",
        "data/v.csv": "",
        "data/w.npy": "",
        "empty/": "",
        "x": "",
    }
    assert found(files).data == ("data/u.csv", "data/v.csv", "data/w.npy", "empty/", "t.csv")
    here = {"d/a.py": "open('t.csv')", "d/t.csv": "", "t.csv": ""}
    assert found(here, "d/a.py").data == ("d/t.csv", "t.csv")
    assert found(here, "d/a.py", "d").data == ("d/t.csv",)


def test_what_is_no_python_names_nothing() -> None:
    assert found({"a.py": "print("}) == Belongings()
    assert found({"a.py": "from ........ import x\nimport a\n"}) == Belongings()


@given(st.text(alphabet=st.sampled_from("import from.ab(){}[]'\n\"/ "), max_size=80))
def test_no_source_breaks_it(source: str) -> None:
    files = {"a.py": source, "b.py": "", "a/b.py": ""}
    assert set(found(files).all) <= set(files)


def test_variables_that_a_source_asks_for() -> None:
    source = b"""
import os
from os import environ, getenv
os.environ["A"]; os.environ.get("B", ""); os.getenv("C"); environ["D"]; getenv("E")
os.environ["SET"] = "1"; os.environ.pop("F", None); other["G"]; os.environ[name]
"""
    assert variables([source, b"print("]) == ("A", "B", "C", "D", "E")


@pytest.mark.parametrize(
    ("globs", "chosen"),
    [
        ((), set()),
        (("*.py",), {"helper.py"}),
        (("data/*",), {"data/a.csv"}),
        (("data/**",), {"data/a.csv", "data/sub/b.csv"}),
        (("**/*.csv", "h?lper.py"), {"data/a.csv", "data/sub/b.csv", "helper.py"}),
        (("empty/",), {"empty/"}),
        (("empty",), {"empty/"}),
    ],
)
def test_globs_choose_files(globs: tuple[str, ...], chosen: set[str]) -> None:
    listing = ("helper.py", "data/a.csv", "data/sub/b.csv", "empty/")
    assert matching(globs, listing, "--include") == chosen
    with pytest.raises(LocalError, match="--include nowhere"):
        matching(["nowhere"], listing, "--include")
