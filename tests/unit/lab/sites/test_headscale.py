"""When a run has a Headscale of its own, and who is told of it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

from huddle_lab.sites import headscale as control
from huddle_lab.sites.base import Site
from huddle_lab.study.variants import Variant


def test_only_headscale_wants_one_and_only_where_none_is_given() -> None:
    own, given = Variant("headscale", "headscale"), Variant("h", "headscale", (), ("HUDDLE_HEADSCALE",))
    assert control.options(own) == ("--headscale",) and control.options(given) == ()
    assert not control.wanted(Variant("tls", "tls")) and not control.wanted(Variant("tailscale", "tailscale"))


def test_the_host_is_told_of_it_by_its_environment() -> None:
    put: dict[str, bytes] = {}

    def keep(files: Mapping[str, bytes]) -> None:
        put.update(files)

    site = cast(Site, SimpleNamespace(put=keep, machines=[SimpleNamespace(folder="/run-1")]))
    told = {"url": "https://10.0.0.1:8038", "key": "k", "certificate": "PEM"}
    assert control.environment(site, told) == {
        "HUDDLE_HEADSCALE": "https://10.0.0.1:8038",
        "HUDDLE_HEADSCALE_KEY": "k",
        "HUDDLE_HEADSCALE_CERTIFICATE": "/run-1/headscale.pem",
    }
    assert put == {"headscale.pem": b"PEM"}
