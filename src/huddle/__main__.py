"""`python -m huddle` is the command `huddle`."""

from huddle.cli.main import main

main()
