"""What a rendezvous without the built page (`site.py`) shows to a browser: what it is, and how to join.

Static, without script, and nothing on it comes from the request. An invitation's secret stands behind
the `#`, which a browser keeps to itself.
"""

import base64
import hashlib

from starlette.responses import HTMLResponse

_STYLE = "body{font:1.1rem/1.5 sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem}"
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Whoever runs the server may add the page for browsers at any time.
    "Cache-Control": "no-cache",
}
_NO_PAGE = (
    "This server has no page with which a browser takes part: its Huddle was installed without it. "
    "Whoever runs it can add it: <code>make setup</code> in a checkout, or a released package."
)


def _page(title: str, *paragraphs: str) -> HTMLResponse:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{body}</html>",
        headers=_HEADERS,
    )


def front() -> HTMLResponse:
    """What this server is."""
    return _page(
        "Huddle rendezvous",
        "People who run a computation together, each on their own machine, find each other here.",
        "This server passes on what they have sealed for each other. It can't read any of it.",
        _NO_PAGE,
    )


def invitation() -> HTMLResponse:
    """How to use an invitation."""
    return _page(
        "You are invited to a huddle",
        "Copy the whole link from the address bar, with all that follows the <code>#</code>, "
        "and type in a terminal:",
        "<code>huddle join '<em>the link</em>'</code>",
        "If the command is not there yet: <code>pipx install mpyc-huddle</code>.",
        "What follows the <code>#</code> is the secret of your session. "
        "Your browser did not send it to this server; share it with nobody.",
        _NO_PAGE,
    )
