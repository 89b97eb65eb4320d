"""Names in a source that a reader takes for one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.lookalikes import LONGEST, lookalikes

O_ = "\N{CYRILLIC SMALL LETTER O}"  # looks like an o


@pytest.mark.parametrize(
    "source",
    [
        f"total = 1\nt{O_}tal = 2\n",
        f"t{O_}tal = 2\n\n\ntotal = 1\n",
        f"def total(): pass\nclass A:\n    t{O_}tal = 1\n",
        f"x = f'{{total}} {{t{O_}tal}}'\n",
        f"call(total=1, t{O_}tal=2)\n",
    ],
)
def test_a_name_with_a_letter_of_another_script_is_named_with_its_line(source: str) -> None:
    (told,) = lookalikes({"prog.py": source.encode()})
    line = next(at for at, text in enumerate(source.splitlines(), 1) if f"t{O_}tal" in text)
    assert told.startswith(f"In line {line} of prog.py the name t{O_}tal looks like total,")
    assert told.endswith("it has CYRILLIC SMALL LETTER O.")


def test_it_may_imitate_a_name_of_another_file_or_of_python_s_own() -> None:
    (told,) = lookalikes({"a.py": b"check = 1\n", "b.py": "\u0441heck = 2\n".encode()})
    assert "of b.py" in told and "looks like check," in told
    (told,) = lookalikes({"b.py": "pr\u0456nt(1)\n".encode()})
    assert "looks like print," in told


def test_two_that_are_both_of_other_scripts_are_told_too() -> None:
    (told,) = lookalikes({"b.py": "\u0430\u0440 = 1\n\u0430p = 2\n".encode()})
    assert "looks like" in told


@pytest.mark.parametrize(
    "source",
    [
        "l1 = 1\nll = 2\nO0 = 3\nOO = 4\n",  # ASCII alone: too many honest programs have such
        f"# t{O_}tal\ntotal = 't{O_}tal'\n",  # in words for people
        "größe = 1\ngrosse = 2\nσ = 3\nμ = 4\n合計 = 5\n",
        "ﬁle = 1\nfile = 2\n",  # one name for Python, which reads a ligature as its letters
        "",
    ],
)
def test_honest_names_are_not(source: str) -> None:
    assert lookalikes({"prog.py": source.encode(), "data.txt": f"total t{O_}tal".encode()}) == []


def test_a_source_that_is_too_long_is_said_to_be_unsearched_and_many_names_are_counted() -> None:
    assert lookalikes({"prog.py": "é".encode() * LONGEST}) == [
        "prog.py is too long to be searched for names that look alike."
    ]
    many = "".join(f"o{'x' * at} = {O_}{'x' * at}\n" for at in range(9))
    told = lookalikes({"prog.py": many.encode()})
    assert len(told) == 4 and told[-1] == "There are 6 more names like that."


@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_bytes_are_searched_without_an_error(data: bytes) -> None:
    for told in lookalikes({"prog.py": data}):
        assert told


def test_deep_nesting_does_not_matter() -> None:
    deep = "(" * 5_000 + "é" + ")" * 5_000
    assert lookalikes({"prog.py": deep.encode()}) == []
