"""The cloud DigitalOcean: what tofu is to make, what it costs, and what is left of a lab in the account.

The token is DIGITALOCEAN_TOKEN of the environment, as for tofu's plugin, and goes into no file. All that
a lab makes bears its tag, by which it is found even where tofu was killed before it wrote down what it had
made.
DIGITALOCEAN_API_URL names another API, as for the plugin.
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any

from huddle.errors import LocalError
from huddle_lab.sites.cloud import Cost, Spec

API = "https://api.digitalocean.com"
_PLUGIN = {"source": "digitalocean/digitalocean", "version": "~> 2.40"}
_PATIENCE = 30.0
_PAGES = 50


def main(spec: Spec, tag: str, public_key: str, user_data: str) -> dict[str, Any]:
    """main.tf.json: a machine each, which lets this key in and has the host key of `user_data`."""
    machines = {
        name: {
            "name": f"{tag}-{name}",
            "region": region.at,
            "size": spec.size,
            "image": spec.image,
            "ssh_keys": ["${digitalocean_ssh_key.lab.id}"],
            "tags": [tag],
            "user_data": user_data,
        }
        for name, region in spec.machines
    }
    addresses = {
        name: {"address": f"${{digitalocean_droplet.{name}.ipv4_address}}", "region": region.name}
        for name, region in spec.machines
    }
    return {
        "terraform": {"required_providers": {"digitalocean": _PLUGIN}},
        "provider": {"digitalocean": {}},
        "resource": {
            "digitalocean_ssh_key": {"lab": {"name": tag, "public_key": public_key}},
            "digitalocean_droplet": machines,
        },
        "output": {"hosts": {"value": addresses}},
    }


def cost(spec: Spec) -> Cost:
    """By the prices that the API tells."""
    for one in _all("/v2/sizes", "sizes"):
        if one["slug"] == spec.size:
            return Cost(float(one["price_hourly"]), len(spec.machines))
    raise LocalError(
        f"DigitalOcean has no size {spec.size}", hint="Its own list has all: doctl compute size list"
    )


def left(tag: str) -> list[str]:
    """What the account still has of a lab, as paths of the API."""
    droplets = [f"/v2/droplets/{one['id']}" for one in _all(f"/v2/droplets?tag_name={tag}", "droplets")]
    keys = [
        f"/v2/account/keys/{one['id']}" for one in _all("/v2/account/keys", "ssh_keys") if one["name"] == tag
    ]
    return droplets + keys


def remove(path: str) -> None:
    """Delete one of these; that it is gone already is fine."""
    _ask("DELETE", path, missing=True)


def _all(path: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, _PAGES):
        answer = _ask("GET", f"{path}{'&' if '?' in path else '?'}per_page=200&page={page}")
        found += answer.get(name, [])
        if "next" not in answer.get("links", {}).get("pages", {}):
            break
    return found


def _ask(method: str, path: str, *, missing: bool = False) -> dict[str, Any]:
    token = os.environ.get("DIGITALOCEAN_TOKEN", "")
    if not token:
        raise LocalError(
            "DIGITALOCEAN_TOKEN is not set", hint="Make a token in DigitalOcean's control panel."
        )
    url = os.environ.get("DIGITALOCEAN_API_URL", API).rstrip("/") + path
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise LocalError(
            "DIGITALOCEAN_API_URL must be https", hint="A token would go over the wire readably."
        )
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - checked above
            data = answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            if exc.code == 404 and missing:
                return {}
            said = exc.read().decode("utf-8", "replace")[:300]
        raise LocalError(f"DigitalOcean refused {method} {path}: {exc.code} {said}") from exc
    except OSError as exc:
        raise LocalError(f"DigitalOcean does not answer: {exc}") from exc
    try:
        return dict(json.loads(data)) if data else {}
    except ValueError as exc:
        raise LocalError("DigitalOcean's answer is no JSON") from exc
