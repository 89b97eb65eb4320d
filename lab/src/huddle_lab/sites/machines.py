"""Machines in a cloud for a lab: made, listed and always removable, by the user's tofu or terraform.

A lab has a directory (mode 0700) in the user's data directory, which is written before anything is made
and removed after all is gone:

    lab.json            the cloud, the tag, what it costs and since when
    main.tf.json        what tofu is to make; terraform.tfstate is tofu's own
    key, key.pub        the SSH key that the machines let in
    known_hosts         the machines' host key, which they get with their first start: nobody is in the middle

So `down` works after a crash at any point: tofu destroys what it knows, and then whatever in the account
still bears the lab's tag is deleted through the cloud's API.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from huddle.errors import LocalError
from huddle_lab.sites import digitalocean
from huddle_lab.sites.cloud import Cost, Region, Spec
from huddle_lab.study.hosts import SshHost, SshHosts

TAG = "huddle-lab"
VANISHING = 60.0  # seconds until the API no longer lists what was deleted
_CLOUDS = {"digitalocean": digitalocean}
_TOOLS = ("tofu", "terraform")


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that was begun."""

    folder: Path
    spec: Spec
    tag: str
    cost: Cost
    began: datetime
    complete: bool

    @property
    def cloud(self) -> ModuleType:
        """Its cloud's module."""
        return _CLOUDS[self.spec.cloud]

    def so_far(self) -> float:
        """What it has cost, in dollars, if all machines were there since then."""
        return self.cost.until(self.began, datetime.now(UTC))


def labs_folder() -> Path:
    """Where labs are written down."""
    return Path(os.environ.get("HUDDLE_LABS") or platformdirs.user_data_path("huddle") / "labs")


def labs() -> list[Lab]:
    """All labs that were begun and not taken down, in the order of their names."""
    folder = labs_folder()
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [_read(path) for path in found if (path / "lab.json").is_file()]


def find(name: str) -> Lab:
    """The lab of that name; LocalError where there is none."""
    for lab in labs():
        if lab.spec.name == name:
            return lab
    raise LocalError(f"there is no lab {name}", hint="huddle lab ls shows those there are.")


def price(spec: Spec) -> Cost:
    """What its machines cost, by the cloud's own prices."""
    found: Cost = _CLOUDS[spec.cloud].cost(spec)
    return found


def tool() -> str:
    """tofu, or else terraform."""
    for name in _TOOLS:
        if found := shutil.which(name):
            return found
    raise LocalError("machines in clouds need tofu or terraform", hint="Install OpenTofu: opentofu.org")


def up(spec: Spec, cost: Cost) -> Lab:
    """Make the machines, or what is missing of them. What goes wrong leaves the lab to `down`."""
    tofu = tool()
    folder = labs_folder() / spec.name
    if (folder / "lab.json").exists():
        lab = _read(folder)
        if lab.spec != spec:
            raise LocalError(
                f"there is another lab {spec.name} already", hint=f"huddle lab down {spec.name} removes it."
            )
    else:
        lab = _write(folder, spec, cost)
    _tofu(tofu, folder, "init", "-input=false", "-no-color")
    _tofu(tofu, folder, "apply", "-auto-approve", "-input=false", "-no-color")
    hosts(lab)
    done = Lab(lab.folder, lab.spec, lab.tag, lab.cost, lab.began, True)
    _save(done)
    return done


def down(lab: Lab) -> list[str]:
    """Remove all that it made, then the lab itself; what tofu did not know of and was found by its tag.

    LocalError where something may still be running; then the lab stays, and `down` may be said again.
    """
    trouble = None
    if (lab.folder / "terraform.tfstate").exists() or (lab.folder / ".terraform").exists():
        try:
            _tofu(tool(), lab.folder, "destroy", "-auto-approve", "-input=false", "-no-color", "-lock=false")
        except LocalError as exc:
            trouble = exc  # the API may do it
    stray: list[str] = lab.cloud.left(lab.tag)
    for path in stray:
        lab.cloud.remove(path)
    until = time.monotonic() + VANISHING
    while (still := lab.cloud.left(lab.tag)) and time.monotonic() < until:
        time.sleep(1)
    if still:
        raise LocalError(
            f"the lab {lab.spec.name} still has {', '.join(still)}", hint="Say huddle lab down again."
        ) from trouble
    shutil.rmtree(lab.folder)
    return stray


def hosts(lab: Lab) -> SshHosts:
    """Its machines, as tofu tells their addresses."""
    text = _tofu(tool(), lab.folder, "output", "-json", "-no-color")
    try:
        values: dict[str, dict[str, str]] = json.loads(text)["hosts"]["value"]
    except (ValueError, KeyError, TypeError) as exc:
        raise LocalError(
            f"the lab {lab.spec.name} has no machines",
            hint="huddle lab up makes them, huddle lab down ends it",
        ) from exc
    known = (lab.folder / "host.pub").read_text().strip()
    lines = "".join(f"{one['address']} {known}\n" for one in values.values())
    _private(lab.folder / "known_hosts", lines.encode())
    found = tuple(
        SshHost(
            name=name, user="root", host=one["address"], port=22, address=one["address"],
            region=one["region"], key=lab.folder / "key", python=lab.spec.python,
        )
        for name, one in sorted(values.items())
    )  # fmt: skip
    return SshHosts(found, lab.folder / "known_hosts")


def _write(folder: Path, spec: Spec, cost: Cost) -> Lab:
    """The lab's directory; lab.json is last, so that a directory without it never made anything."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    tag = f"{TAG}-{spec.name}-{secrets.token_hex(4)}"
    key, public = _key()
    host_key, host_public = _key()
    _private(folder / "key", key)
    _private(folder / "host.pub", host_public)
    user_data = (
        "#cloud-config\nssh_deletekeys: true\nssh_genkeytypes: []\nssh_keys:\n  ed25519_private: |\n"
        + "".join(f"    {line}\n" for line in host_key.decode().splitlines())
        + f"  ed25519_public: {host_public.decode()}\n"
    )
    main = _CLOUDS[spec.cloud].main(spec, tag, public.decode(), user_data)
    _private(folder / "main.tf.json", json.dumps(main, indent=1).encode())
    lab = Lab(folder, spec, tag, cost, datetime.now(UTC), False)
    _save(lab)
    return lab


def _key() -> tuple[bytes, bytes]:
    made = Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def _save(lab: Lab) -> None:
    content = {
        "spec": asdict(lab.spec), "tag": lab.tag, "cost": asdict(lab.cost),
        "began": lab.began.isoformat(timespec="seconds"), "complete": lab.complete,
    }  # fmt: skip
    _private(lab.folder / "lab.json", json.dumps(content, indent=1).encode())


def _read(folder: Path) -> Lab:
    try:
        content: dict[str, Any] = json.loads((folder / "lab.json").read_text())
        spec = content["spec"]
        regions = tuple(Region(**one) for one in spec.pop("regions"))
        return Lab(
            folder, Spec(**spec, regions=regions), content["tag"], Cost(**content["cost"]),
            datetime.fromisoformat(content["began"]), content["complete"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise LocalError(f"{folder}/lab.json can't be read: {exc}") from exc


def _private(path: Path, content: bytes) -> None:
    """Write it as a whole, for nobody else to read."""
    part = path.with_name(path.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)


def _tofu(command: str, folder: Path, *args: str) -> str:
    """Run it there. Ctrl-C goes to it too, and it is given the time to write down what it has made."""
    process = subprocess.Popen(
        [command, *args], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if args[0] != "output" else subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        out, err = process.communicate()
    except BaseException:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()
        raise
    if process.returncode:
        said = "\n".join((err or out).strip().splitlines()[-8:])
        raise LocalError(f"{Path(command).name} {args[0]} failed: {said}")
    return out
