"""A module beside the program."""


def double(number):
    return 2 * number
