"""The lab's machines in a cloud by a real OpenTofu or Terraform: `init`, `plan`, `apply`, `destroy`, a kill.

A cloud's plugin is where the internet is. So here what the tool makes is data of its own (`terraform_data`,
which is built in), and commands beside it ask the tests' API, as the plugin would. What it reads, writes
down, does in which order and does not know after a `kill -9` is its own.
"""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle_lab.sites import digitalocean, machines
from huddle_lab.sites.cloud import Region, Spec
from tests.e2e.chaos import wait_until
from tests.e2e.cloud import TOKEN, Cloud
from tests.processes import kill

SPEC = Spec(
    "digitalocean", "mine", "s-2vcpu-4gb", "debian-13-x64", "python3",
    (Region("frankfurt", "fra1", 2), Region("sydney", "syd1", 1)),
)  # fmt: skip

# Run by the tool beside each of its resources. Its templates take a dollar or a percent sign before a brace.
ASK = """
import json, os, time, urllib.request

def ask(method, path, body=None):
    request = urllib.request.Request(os.environ["DIGITALOCEAN_API_URL"] + path, method=method,
        data=body and json.dumps(body).encode(),
        headers=dict(Authorization="Bearer " + os.environ["DIGITALOCEAN_TOKEN"]))
    with urllib.request.urlopen(request) as answer:
        data = answer.read()
    return json.loads(data) if data else None

def keys(name):
    return [one["id"] for one in ask("GET", "/v2/account/keys")["ssh_keys"] if one["name"] == name]

what, name, tag = os.environ["WHAT"], os.environ["NAME"], os.environ["TAG"]
"""
CREATE = f"""{ASK}
body = json.loads(os.environ["BODY"])
if what == "droplets":
    body["ssh_keys"] = keys(tag)
ask("POST", "/v2/" + what, body)
if os.environ.get("LAB_HANGS_AT") == name:
    time.sleep(300)
"""
DESTROY = f"""{ASK}
if what == "droplets":
    all_ = ask("GET", "/v2/droplets?tag_name=" + tag)["droplets"]
    found = [one["id"] for one in all_ if one["name"] == name]
else:
    found = keys(tag)
for number in found:
    ask("DELETE", "/v2/" + what + "/" + str(number))
"""


def resource(what: str, name: str, tag: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the tool keeps of a thing, and what it runs to make it and to remove it."""

    def run(code: str, **when: str) -> dict[str, Any]:
        known = {key: f"${{self.input.{key.lower()}}}" for key in ("WHAT", "NAME", "TAG", "BODY")}
        return {
            "local-exec": {
                "interpreter": [sys.executable, "-c"],
                "command": code,
                "environment": known,
                **when,
            }
        }

    return {
        "input": {"what": what, "name": name, "tag": tag, "body": json.dumps(body), **more},
        "provisioner": [run(CREATE), run(DESTROY, when="destroy")],
    }


def main(spec: Spec, tag: str, public_key: str, user_data: str) -> dict[str, Any]:
    """main.tf.json, as `digitalocean.main` makes it, but with the tool's own data."""
    real = digitalocean.main(spec, tag, public_key, user_data)["resource"]
    made = {"lab": resource("account/keys", tag, tag, real["digitalocean_ssh_key"]["lab"])}
    for number, (name, body) in enumerate(real["digitalocean_droplet"].items(), 1):
        one = resource("droplets", body["name"], tag, {**body, "ssh_keys": []}, address=f"203.0.113.{number}")
        made[name] = {**one, "depends_on": ["terraform_data.lab"]}
    addresses = {
        name: {"address": f"${{terraform_data.{name}.output.address}}", "region": region.name}
        for name, region in spec.machines
    }
    return {"resource": {"terraform_data": made}, "output": {"hosts": {"value": addresses}}}


@pytest.fixture(params=["tofu", "terraform"])
def tool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one that the lab will find: a link to that on PATH."""
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"there is no {request.param} on PATH")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / request.param).symlink_to(found)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")  # it would ask its maker for news
    assert machines.tool() == str(folder / request.param)
    return folder / str(request.param)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The account, and the lab's cloud that asks it."""
    one = Cloud()
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", one.url)
    monkeypatch.setenv("HUDDLE_LABS", str(tmp_path / "labs"))
    local = SimpleNamespace(
        main=main, cost=digitalocean.cost, left=digitalocean.left, remove=digitalocean.remove
    )
    monkeypatch.setitem(machines._CLOUDS, "digitalocean", local)
    try:
        yield one
    finally:
        one.close()


def run(tool: Path, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool, *args], cwd=folder, capture_output=True, text=True, check=False)


def test_machines_are_made_known_and_removed(tool: Path, cloud: Cloud) -> None:
    lab = machines.up(SPEC, machines.price(SPEC))
    assert sorted(one["region"] for one in cloud.droplets.values()) == ["fra1", "fra1", "syd1"]
    assert all(one["ssh_keys"] == list(cloud.keys) for one in cloud.droplets.values())
    hosts = machines.hosts(lab).hosts
    assert [(host.name, host.host, host.region) for host in hosts] == [
        ("frankfurt-0", "203.0.113.1", "frankfurt"),
        ("frankfurt-1", "203.0.113.2", "frankfurt"),
        ("sydney-0", "203.0.113.3", "sydney"),
    ]
    # The tool itself says that nothing is to be done, and again makes nothing.
    plan = run(tool, lab.folder, "plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    machines.up(SPEC, lab.cost)
    assert len(cloud.droplets) == 3 and len(cloud.keys) == 1
    assert TOKEN not in "".join(path.read_text() for path in lab.folder.iterdir() if path.is_file())
    assert machines.down(lab) == []  # the tool knew all of it
    assert not cloud.droplets and not cloud.keys and machines.labs() == []


def test_what_a_killed_tool_did_not_write_down_is_removed_too(
    tool: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[LocalError] = []
    cost = machines.price(SPEC)

    def up() -> None:
        try:
            machines.up(SPEC, cost)
        except LocalError as error:
            errors.append(error)

    def begun(name: str) -> bool:
        return any(one["name"].endswith(name) for one in cloud.droplets.values())

    monkeypatch.setattr(machines, "secrets", SimpleNamespace(token_hex=lambda _: "tag"))
    monkeypatch.setenv("LAB_HANGS_AT", f"{machines.TAG}-mine-tag-sydney-0")
    thread = threading.Thread(target=up)
    thread.start()
    assert wait_until(lambda: begun("sydney-0"), 60)
    kill(tool.name, "apply")  # first: it must not hear how its command ended
    kill(Path(sys.executable).name, "LAB_HANGS_AT")
    thread.join(60)
    assert [f"{tool.name} apply failed" in error.message for error in errors] == [True]
    (lab,) = machines.labs()
    assert not lab.complete
    monkeypatch.delenv("LAB_HANGS_AT")
    machines.down(lab)
    assert not cloud.droplets and not cloud.keys and machines.labs() == []


def test_what_a_cloud_is_asked_for_is_read_by_the_tool(tool: Path, tmp_path: Path) -> None:
    """Its plugin is not here to check the rest."""
    content = digitalocean.main(SPEC, "tag", "ssh-ed25519 AAAA", "#cloud-config\n")
    (tmp_path / "main.tf.json").write_text(json.dumps(content))
    said = run(tool, tmp_path, "providers", "-no-color")
    assert said.returncode == 0 and "digitalocean/digitalocean] ~> 2.40" in said.stdout, said.stderr
    content["output"]["hosts"]["valu"] = content["output"]["hosts"].pop("value")
    (tmp_path / "main.tf.json").write_text(json.dumps(content))
    assert run(tool, tmp_path, "providers", "-no-color").returncode != 0
