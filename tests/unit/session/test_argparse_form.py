"""The form that a source has by itself: what it declares to argparse with literal values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.session.argparse_form import declared
from huddle.session.form import form_of
from huddle.session.form_input import FormInput


def test_the_options_of_argparse_are_the_form() -> None:
    text = (
        '"""Adds numbers.\n\nMore."""\n'
        "parser.add_argument('-n', '--count', type=int, default=3, help='how many (%(default)s), 100%%')\n"
        "parser.add_argument('--how', choices=['fast', 'slow'], required=True)\n"
        "parser.add_argument('--table', type=Path, help='yours')\n"
        "parser.add_argument('--output', type=Path)\n"
        "parser.add_argument('--rate', type=float, default=0.5, help='a rate')\n"
        "parser.add_argument('--flag', action='store_true')\n"
        "parser.add_argument('--many', nargs='*')\n"
        "parser.add_argument('name')\n"
        "parser.add_argument(*words)\n"
        "raise SystemExit('nothing of it is run')\n"
    )
    form = form_of(text)
    assert (form.learns, form.written) == ("Adds numbers.", False)
    assert form.inputs == (
        FormInput("--count", "Count", "integer", "how many (3), 100%", required=False),
        FormInput("--how", "How", "choice", choices=("fast", "slow")),
        FormInput("--table", "Table", "file", "yours", required=False),
        FormInput("--output", "Output", required=False),
        FormInput("--rate", "Rate", "decimal", "a rate, usually 0.5", required=False),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def (",
        "add_argument('--a')",
        "p.add_argument('--a', **more)",
        "p.add_argument('--a', action=mine)",
        "p.add_subparsers()\np.add_argument('--a')",
        "p.add_argument('--a b')",
    ],
)
def test_what_can_not_be_known_is_not_asked(text: str) -> None:
    assert declared(text)[1] == ()


@given(st.text())
def test_a_help_of_any_kind_is_one_line(text: str) -> None:
    inputs = declared(f"p.add_argument('--a', help={text!r})")[1]
    assert all(one.help.isprintable() or not one.help for one in inputs)
