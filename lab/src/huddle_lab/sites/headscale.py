"""A Headscale for one run, where the rendezvous is: `huddle serve --headscale`, told to the host alone.

A study whose network passes HUDDLE_HEADSCALE on uses that one instead.
"""

from collections.abc import Mapping
from typing import Any

from huddle_lab.sites.base import Site
from huddle_lab.study.variants import Variant

_GIVEN = "HUDDLE_HEADSCALE"
_CERTIFICATE = "headscale.pem"


def wanted(variant: Variant) -> bool:
    """Whether a run over this network needs one."""
    return variant.network == "headscale" and _GIVEN not in variant.passed


def options(variant: Variant) -> tuple[str, ...]:
    """For `huddle serve`."""
    return ("--headscale",) if wanted(variant) else ()


def environment(site: Site, told: Mapping[str, Any]) -> dict[str, str]:
    """For `huddle host`, by the event `headscale`; its certificate is put on all machines."""
    site.put({_CERTIFICATE: told["certificate"].encode()})
    return {
        _GIVEN: told["url"],
        f"{_GIVEN}_KEY": told["key"],
        f"{_GIVEN}_CERTIFICATE": f"{site.machines[0].folder}/{_CERTIFICATE}",
    }
