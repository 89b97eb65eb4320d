"""docs/api.md is what the docstrings say."""

from pathlib import Path

from tests.scripts import script

ROOT = Path(__file__).parents[2]


def test_the_document_is_what_the_docstrings_say() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == script("api_reference").reference(), (
        "run scripts/api_reference.py"
    )
