"""A Headscale for tests: its REST API as documented, which a test may break; machines by a control server.

It keeps to the contract of Headscale's /api/v1 as far as a session needs it, as 0.29.2 was seen to do it:
numbers as strings, errors with a message (most are internal ones), a name once, no user deleted while it has
machines, a key good once and until its time. With `problems` errors are problem documents with codes of their
own, as in its source after that.
Tests of sessions run against a real one too (`running.headscale`), by `huddle serve --headscale`.
"""

import contextlib
import json
import re
import secrets
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from huddle.networks.headscale.policy import openness
from tests.tailnet.running import Control, control

Row = dict[str, Any]
POLICY = '{\n  // Written by hand.\n  "groups": {"group:home": ["carol@"]},\n  "acls": [\n    {"action": "accept", "src": ["group:home"], "dst": ["group:home:*"]},\n  ],\n}\n'  # noqa: E501


class Refused(Exception):
    """An answer that is an error; `old` is the code that 0.29 gives."""

    def __init__(self, code: int, detail: str, *more: str, old: int = 500) -> None:
        super().__init__(detail)
        self.code, self.old = code, old
        self.told = (detail, *more)

    def answer(self, problems: bool) -> tuple[int, Row]:
        """Code and body."""
        if problems:
            detail, *more = self.told
            errors = [{"message": one} for one in more]
            return self.code, {"title": "", "status": self.code, "detail": detail, "errors": errors}
        return self.old, {"code": 2, "message": ": ".join(self.told), "details": []}


@dataclass
class Headscale:
    """Its state; `broken` may raise Refused before anything is done."""

    url: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    policy: str | None = POLICY
    users: dict[str, Row] = field(default_factory=dict)
    keys: dict[str, Row] = field(default_factory=dict)
    nodes: dict[str, Row] = field(default_factory=dict)
    broken: Callable[[str, str], None] = lambda method, path: None
    problems: bool = False
    lifetime: float | None = None  # of keys, whatever was asked for
    server: Control | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0

    def __post_init__(self) -> None:
        self.do("POST", "/user", {}, {"name": "carol", "displayName": "Carol"})

    def do(self, method: str, path: str, query: dict[str, str], body: Row) -> Row:
        """Answer one request; raises Refused."""
        with self._lock:
            self.broken(method, path)
            match method, path.split("/")[1:]:
                case "GET", ["user"]:
                    return {"users": list(self.users.values())}
                case "POST", ["user"]:
                    return {"user": self._user(body)}
                case "DELETE", ["user", number]:
                    return self._no_user(number)
                case "POST", ["preauthkey"]:
                    return {"preAuthKey": self._key(body)}
                case "GET", ["node"]:
                    return {"nodes": list(self.nodes.values())}
                case "DELETE", ["node", number]:
                    if number not in self.nodes:
                        raise Refused(404, "node not found", old=404)
                    self._gone(number)
                    return {}
                case "GET", ["policy"]:
                    if self.policy is None:
                        raise Refused(500, "loading ACL from database", "acl policy not found")
                    return {"policy": self.policy, "updatedAt": _now()}
                case "PUT", ["policy"]:
                    try:
                        openness(body["policy"])
                    except ValueError as error:
                        raise Refused(400, "setting policy", str(error)) from error
                    self.policy = body["policy"]
                    return {"policy": self.policy, "updatedAt": _now()}
        raise Refused(404, "not found", old=404)

    def admit(self, asked: Row) -> Row:
        """The control server asks about a machine."""
        with self._lock:
            known = [number for number, node in self.nodes.items() if node["nodeKey"] == asked["nodeKey"]]
            if asked["leaving"]:
                for number in known:
                    del self.nodes[number]
                return {}
            if known:
                return {}
            key = self.keys.get(asked["authKey"])
            if key is None:
                return {"refused": "AuthKey not found"}
            if key["used"]:
                return {"refused": "authkey already used"}
            if datetime.fromisoformat(key["expiration"]).timestamp() < time.time():
                return {"refused": "authkey expired"}
            key["used"] = True
            user = self.users[key["user"]["id"]]
            number = self._number()
            self.nodes[number] = {
                "id": number, "nodeKey": asked["nodeKey"], "name": asked["name"], "user": user, "online": True
            }  # fmt: skip
            return {"login": user["name"], "display": user["displayName"] or user["name"]}

    def names(self) -> set[str]:
        return {user["name"] for user in self.users.values()}

    def _user(self, body: Row) -> Row:
        if not re.fullmatch(r"[A-Za-z][\w.-]+", body.get("name", "")):
            raise Refused(500, "creating user")
        if body["name"] in self.names():
            raise Refused(409, "user already exists")
        row = {"id": self._number(), "name": body["name"], "displayName": body.get("displayName", "")}
        self.users[row["id"]] = row | {"createdAt": _now(), "email": "", "provider": ""}
        return self.users[row["id"]]

    def _no_user(self, number: str) -> Row:
        if number not in self.users:
            raise Refused(404, "deleting user", "user not found")
        if any(node["user"]["id"] == number for node in self.nodes.values()):
            raise Refused(400, "deleting user", "user not empty: node(s) found")
        del self.users[number]
        self.keys = {key: row for key, row in self.keys.items() if row["user"]["id"] != number}
        return {}

    def _key(self, body: Row) -> Row:
        user = self.users.get(body.get("user", ""))
        if user is None:
            raise Refused(404, "creating pre-auth key", "user not found")
        key, until = f"hskey-auth-{secrets.token_hex(20)}", body["expiration"]
        if self.lifetime is not None:
            until = datetime.fromtimestamp(time.time() + self.lifetime, UTC).isoformat()
        row = {"id": self._number(), "user": user, "key": key, "used": False, "expiration": until}
        self.keys[key] = row | {name: body.get(name, False) for name in ("reusable", "ephemeral")}
        return self.keys[key]

    def _gone(self, number: str) -> None:
        node = self.nodes.pop(number)
        if self.server is not None:
            self.server.remove(node["nodeKey"])

    def _number(self) -> str:
        self._count += 1
        return str(self._count)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@contextlib.contextmanager
def serving(
    state: Headscale, ip: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> Iterator[Headscale]:
    """The state behind its API, on that address of the network that the caller is in."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            where = urllib.parse.urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            try:
                if where.path == "/hook":
                    code, told = 200, state.admit(body)
                elif self.headers.get("Authorization") != f"Bearer {state.key}":
                    raise Refused(401, "Unauthorized", old=401)
                else:
                    path = where.path.removeprefix("/api/v1")
                    code, told = (
                        200,
                        state.do(self.command, path, dict(urllib.parse.parse_qsl(where.query)), body),
                    )
            except Refused as refused:
                code, told = refused.answer(state.problems)
            data = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Tests say what they want to know."""

    server = ThreadingHTTPServer((ip, port), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"{'https' if context else 'http'}://{ip}:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def with_machines(state: Headscale, ip: str) -> Iterator[str]:
    """A Headscale with a control server; the URL under which both are reached."""
    with serving(state, ip), control(ip, "-hook", f"{state.url}/hook", "-api", state.url) as server:
        state.server = server
        yield server.url
