"""A Headscale as its administrator sees it: the part of its REST API that a session needs.

    GET    /api/v1/user                          {users: [{id, name, displayName, createdAt}]}
    POST   /api/v1/user                          {name, displayName} -> {user}
    DELETE /api/v1/user/ID                       with its keys; refused while it has machines
    POST   /api/v1/preauthkey  {user: ID, ephemeral, reusable, expiration} -> {preAuthKey: {key}}
    GET    /api/v1/node                          {nodes: [{id, user: {name}, online}]}
    DELETE /api/v1/node/ID
    GET    /api/v1/policy   PUT /api/v1/policy   {policy: TEXT}

Numbers are decimal strings, as Headscale writes them. Knows nothing of sessions. The API key goes into one
header and nowhere else.
"""

import asyncio
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.networks.tailscale.api import clean
from huddle.tasks import joined

_SECONDS = 10.0  # for one answer
_MAX_ANSWER = 16 << 20  # all machines of a large Headscale


class Missing(NetworkError):
    """What was asked for is not there (404)."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of that Headscale; `created` is in seconds since 1970."""

    id: str
    name: str
    display: str
    created: float


@dataclass(frozen=True, slots=True)
class HeadscaleMachine:
    """A machine, by the name of its user."""

    id: str
    user: str
    online: bool


@dataclass(slots=True)
class HeadscaleApi:
    """The Headscale at `url`, asked with an API key.

    `certificate` (PEM) is the one that it must show, where no authority vouches for it.
    """

    url: str
    key: str = field(repr=False)
    certificate: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise LocalError(
                f"{self.url!r} is no Headscale's URL.", hint="For example: https://headscale.example."
            )
        self.url = self.url.rstrip("/")

    @property
    def host(self) -> str:
        """Its name for people."""
        return urllib.parse.urlsplit(self.url).netloc.rpartition("@")[2]

    async def users(self) -> list[User]:
        """All users."""
        return [
            User(_text(one, "id"), _text(one, "name"), _text(one, "displayName"), _time(one.get("createdAt")))
            for one in _tables(await self._call("GET", "/user"), "users")
        ]

    async def make_user(self, name: str, display: str) -> User:
        """A new user; a name that is taken is an error."""
        told = await self._call("POST", "/user", {"name": name, "displayName": display})
        one = _table(told.get("user"))
        return User(_text(one, "id"), _text(one, "name"), _text(one, "displayName"), 0.0)

    async def delete_user(self, number: str) -> None:
        """Delete a user and its keys."""
        await self._call("DELETE", f"/user/{_quoted(number)}")

    async def make_key(self, user: str, until: float) -> str:
        """An auth key that lets one machine of that user in, once and until then (seconds since 1970)."""
        wanted = {
            "user": user,
            "reusable": False,
            "ephemeral": True,
            "expiration": datetime.fromtimestamp(until, UTC).isoformat().replace("+00:00", "Z"),
        }
        key = _text(_table((await self._call("POST", "/preauthkey", wanted)).get("preAuthKey")), "key")
        if not key:
            raise self._odd("made an auth key without telling it")
        return key

    async def machines(self) -> list[HeadscaleMachine]:
        """All machines."""
        return [
            HeadscaleMachine(
                _text(one, "id"), _text(_table(one.get("user")), "name"), one.get("online") is True
            )
            for one in _tables(await self._call("GET", "/node"), "nodes")
        ]

    async def delete_machine(self, number: str) -> None:
        """Delete a machine."""
        await self._call("DELETE", f"/node/{_quoted(number)}")

    async def policy(self) -> str | None:
        """The policy's text, or None where there is none."""
        try:
            told = await self._call("GET", "/policy")
        except Missing:
            return None
        except NetworkError as error:
            # A Headscale whose database has no policy yet says so by an internal error.
            if "policy not found" in error.message or "record not found" in error.message:
                return None
            raise
        return str(told.get("policy") or "") or None

    async def set_policy(self, text: str) -> None:
        """Replace the policy."""
        await self._call("PUT", "/policy", {"policy": text})

    async def _call(self, method: str, where: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        asked = asyncio.ensure_future(asyncio.to_thread(self._ask, method, f"{self.url}/api/v1{where}", body))
        try:
            code, answer = await joined(asked)
        except asyncio.CancelledError:
            # It happens all the same: whoever takes away what was made must not come before it.
            await asyncio.wait({asked})
            if not asked.cancelled():
                asked.exception()
            raise
        try:
            told = json.loads(answer) if answer else {}
        except ValueError:
            told = None
        if code < 300:
            if not isinstance(told, dict):
                raise self._odd("answered something that is not JSON")
            return told
        raise self._refused(method, where, code, told if isinstance(told, dict) else {})

    def _ask(self, method: str, url: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        # The scheme is http or https: the constructor has checked it.
        request = urllib.request.Request(  # noqa: S310
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with self._opener().open(request, timeout=_SECONDS) as answer:
                return answer.status, answer.read(_MAX_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(_MAX_ANSWER)
        except (OSError, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            told = getattr(reason, "strerror", None) or str(reason)
            raise NetworkError(
                f"The Headscale {self.host} can't be reached: {clean(str(told)).lower()}.",
                hint="Check its URL, and that it runs.",
            ) from error

    def _opener(self) -> urllib.request.OpenerDirector:
        if not self.certificate:
            return urllib.request.build_opener(_NoRedirect)
        context = ssl.create_default_context(cadata=self.certificate)
        return urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))

    def _refused(self, method: str, where: str, code: int, told: Mapping[str, Any]) -> HuddleError:
        if code in (401, 403):
            return LocalError(
                f"The Headscale {self.host} does not take the API key.",
                hint="Make one with headscale apikeys create, and give it in HUDDLE_HEADSCALE_KEY.",
            )
        said = [told.get("detail"), told.get("message")]
        said += [_table(one).get("message") for one in told.get("errors") or () if isinstance(one, dict)]
        why = ": ".join(filter(None, map(clean, said))) or "it does not say why"
        message = f"The Headscale {self.host} refused {method} {where.split('?')[0]} ({code}): {why}."
        # Up to 0.29 some of it is an internal error (500).
        if code == 404 or "user not found" in why or "node not found" in why:
            return Missing(message, hint="Is this the URL of a Headscale, 0.26 or newer?")
        if "modes other than" in why:
            return LocalError(
                f"The Headscale {self.host} has its policy in a file, which Huddle can't change.",
                hint="Set policy.mode to database in its configuration.",
            )
        return NetworkError(message, hint="Its own log says more.")

    def _odd(self, what: str) -> NetworkError:
        return NetworkError(f"The Headscale {self.host} {what}.", hint="Is this the URL of a Headscale?")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would take the API key somewhere else."""

    def redirect_request(self, *_args: object, **_named: object) -> None:
        return None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(told: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = told.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _time(value: object) -> float:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0


def _quoted(number: str) -> str:
    return urllib.parse.quote(number, safe="")
