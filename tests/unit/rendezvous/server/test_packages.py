"""The packages of a rendezvous: what is listed is served, with the policy that lets browsers have it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle.rendezvous.server.packages import (
    INDEX,
    Packages,
    Wheel,
    check_source,
    listed,
    read_list,
    write_list,
)
from huddle.rendezvous.server.site import PACKAGE_WORKER
from tests.unit.rendezvous.server.test_site import get

WHEEL = b"as if it were a wheel"
TINY = Wheel("1.2", "tiny-1.2-py3-none-any.whl", hashlib.sha256(WHEEL).hexdigest(), ("tiny",), ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / TINY.file_name).write_bytes(WHEEL)
    (folder / "secret.whl").write_text("not listed")
    write_list(folder / INDEX, {"tiny": TINY})
    return folder


async def test_what_is_listed_is_served_and_nothing_else(serve: Any, root: Path) -> None:
    server = await serve(packages=root)
    status, headers, body = await get(server, f"/packages/{INDEX}")
    assert status == 200 and headers["content-type"] == "application/json"
    assert json.loads(body) == json.loads(json.dumps({**listed({"tiny": TINY}), "source": ""}))
    status, headers, body = await get(server, f"/packages/{TINY.file_name}")
    assert (status, body) == (200, WHEEL)
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"
    again = await get(server, f"/packages/{TINY.file_name}", f"If-None-Match: {headers['etag']}")
    assert again[0] == 304
    for path in ("secret.whl", f"%2e%2e/packages/{TINY.file_name}", "../packages/index.json"):
        assert (await get(server, f"/packages/{path}"))[0] == 404


async def test_a_server_without_any_says_so(serve: Any) -> None:
    status, _, body = await get(await serve(), f"/packages/{INDEX}")
    assert status == 200 and json.loads(body) == {"packages": {}, "source": ""}


async def test_one_script_alone_may_connect_to_the_named_source(serve: Any, tmp_path: Path) -> None:
    site = tmp_path / "page"
    (site / "assets").mkdir(parents=True)
    for name in ("index.html", PACKAGE_WORKER, "assets/session-worker-AbC.js"):
        (site / name).write_text("1")
    source = "https://packages.example/full"
    closed, opened = await serve(site=site), await serve(site=site, package_source=source)
    policies, tags = [], []
    for server in (closed, opened):
        status, headers, _ = await get(server, f"/{PACKAGE_WORKER}")
        assert status == 200 and headers["cache-control"] == "no-cache"
        policies.append(headers["content-security-policy"])
        tags.append(headers["etag"])
        other = await get(server, "/assets/session-worker-AbC.js")
        assert "packages.example" not in other[1]["content-security-policy"]
    assert policies == [
        "default-src 'none'; connect-src 'self'",
        f"default-src 'none'; connect-src 'self' {source}/",
    ]
    # A browser that has it with another policy must not keep it.
    assert tags[0] != tags[1]
    assert (await get(opened, f"/{PACKAGE_WORKER}", f"If-None-Match: {tags[0]}"))[0] == 200
    assert json.loads((await get(opened, f"/packages/{INDEX}"))[2])["source"] == f"{source}/"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a.example/",
        "a.example",
        "https://a.example/; script-src *",
        "https://a.example/'x'",
        "https://*/",
    ],
)
def test_an_address_that_would_change_a_policy_is_refused(address: str) -> None:
    with pytest.raises(LocalError, match="can't be a source"):
        check_source(address)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"packages": {"a": {}}}',
        json.dumps(listed({"a": Wheel("1", "../a.whl", "0" * 64, (), ())})),
        json.dumps(listed({"a": Wheel("1", "a.whl", "00", (), ())})),
    ],
)
def test_a_list_that_can_not_be_right_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(LocalError, match="no list of packages"):
        read_list(tmp_path / INDEX)


def test_a_listed_file_that_is_missing_is_told_at_the_start(root: Path) -> None:
    (root / TINY.file_name).unlink()
    with pytest.raises(LocalError, match="is missing"):
        Packages(root)
