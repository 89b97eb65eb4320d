"""What the checks say at their end: counts, and the name of each test that failed, whoever ran it."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts import script

BY_PYTEST = """<testsuites><testsuite tests="4" failures="1" errors="1" skipped="1">
<testcase classname="tests.e2e.test_a" name="test_good"/>
<testcase classname="tests.e2e.test_a" name="test_later"><skipped message="not here"/></testcase>
<testcase classname="tests.e2e.test_a" name="test_one"><failure message="1 == 2&#10;more"/></testcase>
<testcase classname="tests.e2e.test_a" name="test_two"><error>\nno port\nat all</error></testcase>
</testsuite></testsuites>"""
BY_VITEST = """<testsuites tests="2" failures="1">
<testsuite tests="1" failures="0"><testcase classname="a.test.ts" name="one"/></testsuite>
<testsuite tests="1" failures="1"><testcase classname="b.test.ts" name="two">
<failure message="Test timed out in 60000ms." type="Error">Error</failure></testcase></testsuite>
</testsuites>"""


@pytest.fixture
def checks() -> ModuleType:
    return script("checks")


@pytest.mark.parametrize(
    ("report", "counts", "named"),
    [
        (
            BY_PYTEST,
            (1, 2),
            ("tests.e2e.test_a: test_one: 1 == 2", "tests.e2e.test_a: test_two: no port"),
        ),
        (BY_VITEST, (1, 1), ("b.test.ts: two: Test timed out in 60000ms.",)),
    ],
)
def test_failed_tests_are_named_with_the_first_line_of_why(
    checks: ModuleType, tmp_path: Path, report: str, counts: tuple[int, int], named: tuple[str, ...]
) -> None:
    (tmp_path / "report.xml").write_text(report)
    outcome = checks.count(tmp_path / "report.xml", 1)
    assert (outcome.passed, outcome.failed) == counts
    assert outcome.named == named


def test_a_run_that_wrote_no_report_is_a_failure(checks: ModuleType, tmp_path: Path) -> None:
    assert checks.count(tmp_path / "report.xml", 0).failed == 1
