"""Who is let in, and what every answer tells the browser.

Another program of this machine, or a web page open in the same browser, may send requests to a loopback port. The
token keeps programs out that were not told the URL; the check of the Host header keeps out pages of a name that was
pointed at 127.0.0.1 (DNS rebinding), the rest is for the browser to enforce.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from superqode.session import entropy

__all__ = ["HEADERS", "TOKEN_LENGTH", "is_our_host", "is_token", "new_token"]

# 26 letters of base32: 130 bits.
TOKEN_LENGTH: Final = 26

# No inline script and no inline style; pictures only as data that stands on the page.
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The token stands in the URL: no link may carry it away.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


def new_token() -> str:
    """Make the token of one run."""
    return entropy.random_text(TOKEN_LENGTH)


def is_token(given: str, token: str) -> bool:
    """Whether somebody knows the token; takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def is_our_host(host: str | None, port: int) -> bool:
    """Whether a request's Host header names this server by an address or name that is always this machine's."""
    return host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}")
