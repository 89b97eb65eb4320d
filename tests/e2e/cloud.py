"""A cloud for tests: DigitalOcean's API as far as the lab uses it, and a `tofu` that makes machines there.

The API is a real server on 127.0.0.1 that keeps droplets and keys. `tofu` is a real executable, which reads
main.tf.json and asks that API as the plugin would, writes its state after each step, and, where it is told
so (TOFU_KILL=before:3, after:3), kills its parent and itself around its third step.
"""

import http.server
import itertools
import json
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-of-tests"
TOFU = """#!{python}
import json, os, signal, sys, urllib.request

API, TOKEN = os.environ["DIGITALOCEAN_API_URL"], os.environ["DIGITALOCEAN_TOKEN"]
STATE = "terraform.tfstate"
when, _, number = os.environ.get("TOFU_KILL", "").partition(":")
steps = 0

def ask(method, path, body=None):
    request = urllib.request.Request(API + path, method=method, data=body and json.dumps(body).encode(),
        headers={{"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}})
    with urllib.request.urlopen(request) as answer:
        data = answer.read()
    return json.loads(data) if data else {{}}

def die():
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)

def step(work):
    global steps
    steps += 1
    if number and steps == int(number) and when == "before":
        die()
    work()
    if number and steps == int(number) and when == "after":
        die()

state = json.load(open(STATE)) if os.path.exists(STATE) else {{}}
main = json.load(open("main.tf.json"))["resource"]

def save():
    json.dump(state, open(STATE, "w"))

def apply():
    if "key" not in state:
        key = []
        step(lambda: key.append(ask("POST", "/v2/account/keys", main["digitalocean_ssh_key"]["lab"])))
        state["key"] = key[0]["ssh_key"]["id"]
        save()
    for name, droplet in main["digitalocean_droplet"].items():
        if name not in state:
            assert droplet["ssh_keys"] == ["${{digitalocean_ssh_key.lab.id}}"]
            made = []
            step(lambda: made.append(ask("POST", "/v2/droplets", dict(droplet, ssh_keys=[state["key"]]))))
            state[name] = made[0]["droplet"]
            save()

def destroy():
    for name in list(state):
        path = "/v2/account/keys/%d" % state[name] if name == "key" else "/v2/droplets/%d" % state[name]["id"]
        step(lambda: ask("DELETE", path))
        del state[name]
        save()

if sys.argv[1] == "init":
    if number == "0": die()
    os.makedirs(".terraform", exist_ok=True)
elif sys.argv[1] == "apply":
    apply()
elif sys.argv[1] == "destroy":
    destroy()
elif sys.argv[1] == "output":
    machines = [(name, one) for name, one in state.items() if name != "key"]
    hosts = {{n: {{"address": d["address"], "region": n.rpartition("-")[0]}} for n, d in machines}}
    print(json.dumps({{"hosts": {{"value": hosts}}}} if hosts else {{}}))
else:
    sys.exit("no such command")
"""


class Cloud:
    """The account: what is in it is what would cost."""

    def __init__(self) -> None:
        self.droplets: dict[int, dict[str, Any]] = {}
        self.keys: dict[int, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._answer("GET", None)

            def do_DELETE(self) -> None:
                self._answer("DELETE", None)

            def do_POST(self) -> None:
                self._answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, method: str, body: Any) -> None:
                allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
                code, content = (
                    cloud.answer(method, self.path, body) if allowed else (401, {"id": "unauthorized"})
                )
                data = json.dumps(content).encode() if content is not None else b""
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """As the documented API does."""
        split = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        match [method, *split.path.strip("/").split("/")[1:]]:
            case ["GET", "sizes"]:
                # Two pages, so that the second is asked for.
                first = query.get("page") == "1"
                one = {"slug": "s-1" if first else "s-2vcpu-4gb", "price_hourly": 0.03571}
                return 200, {"sizes": [one], "links": {"pages": {"next": "there is one"}} if first else {}}
            case ["GET", "droplets"]:
                found = [one for one in self.droplets.values() if query["tag_name"] in one["tags"]]
                return 200, {"droplets": found, "links": {}}
            case ["GET", "account", "keys"]:
                return 200, {"ssh_keys": list(self.keys.values()), "links": {}}
            case ["POST", "droplets"]:
                assert set(body["ssh_keys"]) <= self.keys.keys()
                number = next(self._ids)
                self.droplets[number] = {**body, "id": number, "address": f"203.0.113.{number}"}
                return 202, {"droplet": self.droplets[number]}
            case ["POST", "account", "keys"]:
                number = next(self._ids)
                self.keys[number] = {**body, "id": number}
                return 201, {"ssh_key": self.keys[number]}
            case ["DELETE", "droplets", number]:
                return (204, None) if self.droplets.pop(int(number), None) else (404, {"id": "not_found"})
            case ["DELETE", "account", "keys", number]:
                return (204, None) if self.keys.pop(int(number), None) else (404, {"id": "not_found"})
        return 404, {"id": "not_found"}

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def make_tofu(folder: Path) -> None:
    """The executable `tofu` in that directory."""
    folder.mkdir()
    path = folder / "tofu"
    path.write_text(TOFU.format(python=sys.executable))
    path.chmod(0o755)
