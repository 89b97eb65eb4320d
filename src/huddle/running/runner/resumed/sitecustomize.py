"""What a Python does first that has taken a runner's place by os.exec: see running/runner/exec.py."""

import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _run(name: str, spec: "importlib.machinery.ModuleSpec | None") -> None:
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


if os.environ.get("HUDDLE_RUNNER", "").startswith(f"{os.getpid()}:"):
    _run(
        "huddle_runner",
        importlib.util.spec_from_file_location(
            "huddle_runner", os.path.join(os.path.dirname(_HERE), "main.py")
        ),
    )
    sys.modules["huddle_runner"].resume()
while _HERE in sys.path:
    sys.path.remove(_HERE)
_others = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != _HERE]
if _others:
    os.environ["PYTHONPATH"] = os.pathsep.join(_others)
else:
    os.environ.pop("PYTHONPATH", None)
# The one that the interpreter would have found.
_run("sitecustomize", importlib.machinery.PathFinder.find_spec("sitecustomize"))
