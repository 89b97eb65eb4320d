"""docs/api.md is what the docstrings say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_document_is_what_the_docstrings_say() -> None:
    spec = importlib.util.spec_from_file_location("api_reference", ROOT / "scripts" / "api_reference.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "api.md").read_text() == script.reference(), "run scripts/api_reference.py"
