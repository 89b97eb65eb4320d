"""The packets of PCP and NAT-PMP, byte by byte."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks.reach import pcp

NONCE = bytes(range(12))


def pcp_answer(result: int = 0, *, nonce: bytes = NONCE, host: str = "0b4d0002", port: int = 4000) -> bytes:
    head = struct.pack("!BBBBII12x", 2, 0x81, 0, result, 600, 1)
    return head + nonce + struct.pack("!B3xHH", 6, 1234, port) + bytes(10) + b"\xff\xff" + bytes.fromhex(host)


def test_a_pcp_request_is_that_of_rfc_6887() -> None:
    request = pcp.pcp_map("192.168.1.2", 1234, 4000, 600, NONCE)
    assert request.hex() == (
        "02010000" "00000258" "00000000000000000000ffffc0a80102"
        "000102030405060708090a0b" "06000000" "04d2" "0fa0" "00000000000000000000ffff00000000"
    )  # fmt: skip


def test_what_a_pcp_router_gave() -> None:
    assert pcp.pcp_mapped(pcp_answer(), NONCE) == pcp.Given("11.77.0.2", 4000, 600)
    assert pcp.pcp_mapped(pcp_answer(nonce=bytes(12)), NONCE) is None
    with pytest.raises(pcp.MappingRefused, match="result 2"):
        pcp.pcp_mapped(pcp_answer(2), NONCE)
    with pytest.raises(pcp.OnlyNatPmp):
        pcp.pcp_mapped(bytes.fromhex("0081000100000000"), NONCE)


def test_nat_pmp_is_that_of_rfc_6886() -> None:
    assert pcp.pmp_address() == b"\0\0"
    assert pcp.pmp_map(1234, 4000, 600).hex() == "0002000004d20fa000000258"
    assert pcp.pmp_map(1234, 4000, 0).hex() == "0002000004d2000000000000"
    assert pcp.pmp_addressed(bytes.fromhex("00800000000000010b4d0002")) == "11.77.0.2"
    mapped = bytes.fromhex("008200000000000104d20fa000000258")
    assert pcp.pmp_mapped(mapped, 1234) == (4000, 600)
    assert pcp.pmp_mapped(mapped, 1235) is None
    with pytest.raises(pcp.MappingRefused, match="result 2"):
        pcp.pmp_mapped(bytes.fromhex("008200020000000104d200000000000"[:32].ljust(32, "0")), 1234)


@given(st.binary(max_size=80))
def test_whatever_a_router_sends_is_read_or_refused(packet: bytes) -> None:
    readers: list[Callable[[bytes], object]] = [
        lambda data: pcp.pcp_mapped(data, NONCE),
        pcp.pmp_addressed,
        lambda data: pcp.pmp_mapped(data, 1234),
    ]
    for read in readers:
        try:
            read(packet)
        except pcp.MappingRefused:
            pass
