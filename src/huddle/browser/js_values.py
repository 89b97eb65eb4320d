"""Values as JavaScript has them.

Nothing of JavaScript is taken hold of before it is needed: memory that is kept (`huddle.browser.preload`) may
have no JavaScript object in it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import js
from pyodide.ffi import JsProxy, to_js


def array(data: Any) -> JsProxy:
    """The bytes as a fresh Uint8Array."""
    made = _new_array()(len(data))
    made.assign(data)
    return made


def record(values: Mapping[str, Any]) -> JsProxy:
    """An object with these values, each converted as far as can be."""
    made: JsProxy = to_js(values, dict_converter=js.Object.fromEntries)
    return made


@cache
def _new_array() -> Any:
    return js.Uint8Array.new
