"""A module of the package."""


def three():
    return 3
