"""The built page as it is served: names, forms, types, caches and policies; with a small page of its own."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from huddle.rendezvous.server.site import find_site

META = '<!doctype html><meta http-equiv="Content-Security-Policy" content="%s"><p>'
INDEX = META % "script-src &#39;self&#39;" + "page"
FRAME = META % "worker-src blob:" + "frame"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "page"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text(INDEX)
    (root / "sw.js").write_text("self.skipWaiting();")
    (root / "assets" / "frame-AbC.html").write_text(FRAME)
    (root / "assets" / "worker-AbC.js").write_text("'a worker'")
    (root / "assets" / "python-AbC.wasm").write_bytes(b"\0asm" * 1000)
    (root / "assets" / "python-AbC.wasm.br").write_bytes(b"as if by brotli")
    (root / "assets" / "python-AbC.wasm.gz").write_bytes(gzip.compress(b"\0asm" * 1000))
    (tmp_path / "secret.txt").write_text("not of the page")
    return root


async def get(server: Any, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: localhost", *headers))
    writer.write(f"{lines}Connection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field.lower().split(": ", 1) for field in fields), body


async def test_the_page_is_at_the_front_and_where_invitations_point(serve: Any, site: Path) -> None:
    server = await serve(site=site)
    for path in ("/", "/j", "/index.html", "/4821-apple-river"):
        status, headers, body = await get(server, path)
        assert (status, body.decode()) == (200, INDEX)
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-cache"
        assert headers["content-security-policy"] == "script-src 'self'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


async def test_the_runner_s_frame_is_of_no_origin_wherever_it_is_opened(serve: Any, site: Path) -> None:
    _, headers, _ = await get(await serve(site=site), "/assets/frame-AbC.html")
    assert headers["content-security-policy"] == (
        "sandbox allow-scripts; worker-src blob:; frame-ancestors 'self'"
    )


async def test_a_worker_loads_nothing_and_talks_to_this_server_only(serve: Any, site: Path) -> None:
    server = await serve(site=site)
    for path in ("/assets/worker-AbC.js", "/sw.js"):
        _, headers, _ = await get(server, path)
        assert headers["content-type"] == "text/javascript; charset=utf-8"
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'"
        )


@pytest.mark.parametrize(
    ("accepted", "form"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5, br;q=0", "gzip"),
        ("identity", None),
        ("", None),
        (",;;=,q=1", None),
    ],
)
async def test_each_client_gets_the_form_that_it_takes(
    serve: Any, site: Path, accepted: str, form: str | None
) -> None:
    status, headers, body = await get(
        await serve(site=site), "/assets/python-AbC.wasm", f"Accept-Encoding: {accepted}"
    )
    assert (status, headers.get("content-encoding")) == (200, form)
    assert headers["content-type"] == "application/wasm"
    assert headers["vary"] == "accept-encoding"
    assert int(headers["content-length"]) == len(body)
    plain = b"\0asm" * 1000
    match form:
        case "br":
            assert body == b"as if by brotli"
        case "gzip":
            assert gzip.decompress(body) == plain
        case _:
            assert body == plain


async def test_what_has_a_hash_in_its_name_is_kept_and_the_rest_asked_for_again(
    serve: Any, site: Path
) -> None:
    server = await serve(site=site)
    _, headers, _ = await get(server, "/assets/worker-AbC.js")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    _, headers, _ = await get(server, "/")
    again = await get(server, "/", f"If-None-Match: {headers['etag']}")
    assert again[0] == 304 and again[2] == b""
    assert again[1]["content-security-policy"] == headers["content-security-policy"]
    other = await get(server, "/", 'If-None-Match: "another"')
    assert other[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/python-AbC.wasm.br",
        "/assets/",
        "/assets",
        "/4821-apple",
        "/4821-apple-river-stone",
        "//etc/passwd",
        "/%00",
    ],
)
async def test_nothing_else_is_served(serve: Any, site: Path, path: str) -> None:
    status, _, body = await get(await serve(site=site), path)
    assert status == 404
    assert b"not of the page" not in body


async def test_the_page_of_this_checkout_is_found_where_it_was_built() -> None:
    found = find_site()
    if found is None:
        pytest.skip("the page was not built")
    assert (found / "index.html").is_file() and (found / "SHA256SUMS").is_file()
