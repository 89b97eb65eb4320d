"""What runs in a browser imports nothing that only an operating system has."""

import subprocess
import sys

# What Pyodide has not of the standard library, and packages that the page does not bring.
ABSENT = (
    *("pwd", "grp", "resource", "termios"),
    *("uvloop", "cryptography", "psutil", "click", "rich", "prompt_toolkit", "platformdirs"),
)
# Of ours, what starts processes and asks kernels.
NATIVE = (
    *("huddle.running.process", "huddle.running.sandbox", "huddle.running.seccomp", "huddle.running.account"),
    *("huddle.running.meter", "huddle.session.native_platform"),
)
LOOK = """
import sys, types
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT or name in ABSENT:
            raise ModuleNotFoundError(f"no {name} in a browser")
for name in [name for name in sys.modules if name.partition(".")[0] in ABSENT]:
    del sys.modules[name]
sys.meta_path.insert(0, Absent())
import socket
for name in ("AF_UNIX", "AF_INET6", "socketpair", "AF_NETLINK"):
    if hasattr(socket, name):
        delattr(socket, name)
import huddle.session.party, huddle.session.form, huddle.running.run, huddle.running.spec
print(*[name for name in NATIVE if name in sys.modules])
"""


PATHS = f"import sys; sys.path[:] = {sys.path!r}\n"


def test_the_session_needs_no_operating_system() -> None:
    script = f"{PATHS}ABSENT = {ABSENT!r}\nNATIVE = {NATIVE!r}\n{LOOK}"
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
