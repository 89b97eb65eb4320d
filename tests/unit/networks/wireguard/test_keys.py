"""Addresses that are hashes of keys, and names that say whose an interface is."""

import os
import subprocess
import sys
from ipaddress import IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks.wireguard.keys import NUMBERS, Key, Owner, address, interface, owner_of


def test_a_key_is_new_each_time_and_is_not_shown() -> None:
    one, other = Key.fresh(), Key.fresh()
    assert one.public != other.public
    assert len(one.private) == len(one.public) == 32
    assert str(one.private) not in repr(one)


def test_the_address_of_a_key_does_not_change() -> None:
    assert str(address(bytes(range(32)))) == "fd65:dc55:b17f:2c1f:1d3d:90b6:f03e:3689"


@given(st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_another_key_has_another_address_among_those_that_anybody_may_take(key: bytes, bit: int) -> None:
    changed = bytearray(key)
    changed[bit // 8] ^= 1 << bit % 8
    assert address(key) in IPv6Network("fd00::/8")
    assert address(key) != address(bytes(changed))


def test_a_key_of_another_length_is_none() -> None:
    with pytest.raises(ValueError):
        address(bytes(31))


@given(st.integers(1, 4_194_304), st.integers(0, 32767), st.integers(0, 32767), st.integers(0, NUMBERS - 1))
def test_a_name_says_whose_it_is(pid: int, start: int, namespace: int, number: int) -> None:
    owner = Owner(pid, start, namespace)
    name = interface(owner, number)
    assert len(name) <= 15  # IFNAMSIZ, without the zero
    assert owner_of(name) == owner
    assert interface(owner, number + NUMBERS) == name


@given(st.text(max_size=20))
@pytest.mark.parametrize("name", ["eth0", "hw", "hw0", "hwaaaaaaaaaaaaa1", "hwAAAAAAAAAAAAA", "wg0"])
def test_names_of_others_are_nobody_s(name: str, text: str) -> None:
    assert owner_of(name) is None
    owner = owner_of(text)
    assert owner is None or interface(owner, 0)[:-2] == text[:-2]


def test_this_process_is_alive_and_one_that_ended_is_not() -> None:
    mine = Owner.of(os.getpid())
    assert mine is not None and mine.alive and not mine.foreign
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Owner.of(other.pid)
    assert theirs is not None and theirs.alive
    other.kill()
    other.communicate()
    assert not theirs.alive
    assert Owner.of(other.pid) is None


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    mine = Owner.of(os.getpid())
    assert mine is not None
    assert not Owner(mine.pid, (mine.start + 1) % 32768, mine.namespace).alive


def test_whom_nobody_here_can_see_is_foreign() -> None:
    mine = Owner.of(os.getpid())
    assert mine is not None
    assert Owner(mine.pid, mine.start, (mine.namespace + 1) % 32768).foreign
