"""A Headscale of one's own: the `headscale` on PATH with its own DERP, for as long as Huddle wants it.

    directory = config.yaml | policy by its API | keys and database | certificate and key

All of it lies in a private directory that goes at the end, and the process ends with Huddle
(`huddle.networks.reach.child_server`): so it serves sessions while it runs and
keeps nothing. It shows itself by https, which DERP needs: with the certificate that it is given, or with
one made for this time, which clients must be told (`certificate`).
"""

import asyncio
import contextlib
import ipaddress
import json
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from huddle.errors import LocalError
from huddle.networks.headscale.api import HeadscaleApi
from huddle.networks.reach.child_server import ChildServer, environment, fresh_directory, search_path
from huddle.networks.tailscale.api import clean
from huddle.networks.tls.certificates import make_server_certificate

PREFIX = "huddle-control-"  # of its directory; `huddle doctor` knows it too
NOBODY = '{"acls": []}'  # a policy by which nobody reaches anybody; sessions add their lines

_STARTED = 30.0  # seconds until it answers
_ENDED = 10.0
_KEY_HOURS = 24 * 365
_KEY = re.compile(r"[A-Za-z0-9._\-]{16,200}")


@dataclass(frozen=True, slots=True)
class Where:
    """Under which URL (https) parties reach it, and on which port (TCP; UDP for STUN) it listens.

    `certificate` and `key` are files (PEM) for the host of the URL; without them both are made.
    """

    url: str
    port: int
    listen: str = ""  # on this address only
    certificate: Path | None = None
    key: Path | None = None


class OwnHeadscale:
    """A Headscale that runs, for sessions hosted with `url` and `key`. `start` it and `close` it."""

    def __init__(self, where: Where, directory: Path, process: ChildServer, certificate: str) -> None:
        self.url = where.url
        self.key = ""
        self.certificate = certificate
        self._directory = directory
        self._process = process
        self._last = ""

    def __repr__(self) -> str:
        return f"<OwnHeadscale {self.url}>"

    @classmethod
    async def start(cls, where: Where) -> Self:
        """Start one; LocalError where this machine has none, or it does not start."""
        binary = shutil.which("headscale", path=search_path())
        if binary is None:
            raise LocalError(
                "There is no headscale on this machine's PATH.",
                hint="Install it from https://headscale.net, 0.26 or newer; or name a Headscale that runs"
                " elsewhere, by huddle host --headscale URL.",
            )
        host = _host(where.url)
        directory = fresh_directory(PREFIX)
        try:
            certificate = ""
            if where.certificate is None or where.key is None:
                certificate, key = make_server_certificate(host, datetime.now(UTC))
                (directory / "certificate").write_text(certificate)
                (directory / "key").touch(0o600)
                (directory / "key").write_text(key)
            config = _config(where, directory, host)
            (directory / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
            with (directory / "log").open("wb") as log:
                command = [binary, "-c", str(directory / "config.yaml"), "serve"]
                process = await ChildServer.start(command, environment(), log.fileno())
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self = cls(where, directory, process, certificate)
        try:
            async with asyncio.timeout(_STARTED):
                await self._answers()
                self.key = await self._make_key(binary)
                await HeadscaleApi(self.url, self.key, certificate).set_policy(NOBODY)
        except TimeoutError:
            said = self._said()
            await self.close()
            raise LocalError(f"headscale did not start within {_STARTED:.0f} s: {said}") from None
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def certificate_file(self) -> Path:
        """Where the certificate lies, while it runs."""
        return self._directory / "certificate"

    async def gone(self) -> None:
        """Wait until it has ended by itself; raises LocalError with what it wrote."""
        await self._process.wait()
        raise LocalError(f"headscale has ended by itself: {self._said()}")

    async def close(self) -> None:
        """End it, and delete all that it had; bounded."""
        self._last = self._said()
        try:
            await self._process.end(_ENDED)
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _answers(self) -> None:
        while not (self._directory / "s").is_socket():
            if self._process.ended:
                raise LocalError(
                    f"headscale did not start: {self._said()}", hint="Is its port free? See --headscale-port."
                )
            await asyncio.sleep(0.05)

    async def _make_key(self, binary: str) -> str:
        """An API key, by its own command over its Unix socket."""
        process = await asyncio.create_subprocess_exec(
            binary, "-c", str(self._directory / "config.yaml"), "apikeys", "create",
            "--expiration", f"{_KEY_HOURS}h",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=environment(), start_new_session=True,
        )  # fmt: skip
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        key = out.decode(errors="replace").strip().rpartition("\n")[2].strip()
        if process.returncode or not _KEY.fullmatch(key):
            raise LocalError(f"headscale made no API key: {clean((err or out).decode(errors='replace'))}")
        return key

    def _said(self) -> str:
        """The end of what it wrote."""
        try:
            lines = (self._directory / "log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return self._last
        telling = [line for line in lines if " FTL " in line or " ERR " in line] or lines
        return clean(telling[-1] if telling else "it wrote nothing")


def _host(url: str) -> str:
    """The host of its URL; LocalError where it is none for a Headscale with DERP."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
        raise LocalError(
            f"{url!r} is no URL for a Headscale with DERP.", hint="For example: https://huddle.example:8038."
        )
    return parts.hostname


def _config(where: Where, directory: Path, host: str) -> dict[str, Any]:
    listen = f"[{where.listen}]" if ":" in where.listen else where.listen
    listen = f"{listen}:{where.port}"
    derp = {
        "enabled": True, "region_id": 900, "region_code": "huddle", "region_name": "Huddle",
        "stun_listen_addr": listen, "private_key_path": str(directory / "derp.key"),
        "automatically_add_embedded_derp_region": True, "verify_clients": True,
        "ipv4": "", "ipv6": "",
    }  # fmt: skip
    with contextlib.suppress(ValueError):
        derp[f"ipv{ipaddress.ip_address(host).version}"] = host
    return {
        "server_url": where.url.rstrip("/"), "listen_addr": listen,
        # Neither is needed; older ones must have some address.
        "metrics_listen_addr": "127.0.0.1:0", "grpc_listen_addr": "127.0.0.1:0",
        "tls_cert_path": str(where.certificate or directory / "certificate"),
        "tls_key_path": str(where.key or directory / "key"),
        "noise": {"private_key_path": str(directory / "noise.key")},
        "prefixes": {"v4": "100.64.0.0/10", "v6": "fd7a:115c:a1e0::/48", "allocation": "random"},
        "derp": {"server": derp, "urls": [], "paths": [], "auto_update_enabled": False},
        "disable_check_updates": True, "logtail": {"enabled": False}, "log": {"level": "warn"},
        "database": {"type": "sqlite", "sqlite": {"path": str(directory / "db")}},
        "policy": {"mode": "database"},
        "dns": {"magic_dns": False, "base_domain": "huddle.invalid", "override_local_dns": False},
        "unix_socket": str(directory / "s"), "unix_socket_permission": "0700",
    }  # fmt: skip
