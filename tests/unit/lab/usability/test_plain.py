"""What MPyC's own `--ssl` promises, tried by who breaks it."""

import socket
import subprocess
import sys
from pathlib import Path

from huddle_lab.runs.plain import certificates

PROGRAM = Path(__file__).parents[3] / "programs" / "total.py"


def test_a_certificate_is_taken_under_another_number(tmp_path: Path) -> None:
    """Party 2 comes as party 0, with its own certificate, and party 1 computes with it."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as one:
            ports.append(one.getsockname()[1])
    flags = [word for port in ports for word in ("-P", f"127.0.0.1:{port}")]
    processes = []
    made = certificates(3)
    for pid, shown in ((0, 2), (1, 1)):
        home = tmp_path / str(pid)
        (home / ".config").mkdir(parents=True)
        (home / ".config/mpyc_ca.crt").write_bytes(made[".config/mpyc_ca.crt"])
        for kind in ("crt", "key"):
            (home / f".config/party_{pid}.{kind}").write_bytes(made[f".config/party_{shown}.{kind}"])
        command = [sys.executable, str(PROGRAM), *flags, "--ssl", "-I", str(pid)]
        processes.append(subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True))
    try:
        for process in processes:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0 and "total: 2" in out
    finally:
        for process in processes:
            process.kill()
            process.wait()
