"""Where a project comes from: every spelling of one repository's URL becomes one text."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from superqode.session.git.remote_urls import URL_MAX, clean_url

__all__ = ["normalised_origin"]

# What programs that clone put before the same address; git-fetch(1), "GIT URLS".
_URL: Final = re.compile(r"(?:git\+)?(?P<scheme>https?|ssh|git)(?:\+git)?://(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_REST: Final = re.compile(
    r"(?:[^/]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{0,5}))?(?P<path>/.*)", re.DOTALL
)
_SCP: Final = re.compile(r"(?:[^/:]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]{2,}):(?P<path>(?!:).+)", re.DOTALL)
# RFC 9110, RFC 4251, git-daemon(1): a port that is said anyway tells nothing.
_PORTS: Final = {"https": "443", "http": "80", "ssh": "22", "git": "9418"}


def normalised_origin(url: str) -> str:
    """Give a repository's URL as `host/path`, equal for every way to write it.

    Credentials, scheme, the scheme's own port, `.git`, slashes at the end and the case of the host go; ssh, https and
    `user@host:path` become the same. The path keeps its case, for hosts differ in that.

    Args:
        url: what a repository's configuration says; anything is taken.

    Returns:
        Such as `example.org/team/app`; empty for a path of one machine and for what is no URL: neither tells others
        anything.
    """
    text = url.strip()
    if not text or len(text) > URL_MAX or not unquote(text).isprintable():
        return ""
    found = _URL.fullmatch(text)
    if found is not None:
        rest = _REST.fullmatch(_without_query(clean_url(text)).partition("://")[2])
        scheme = found["scheme"].lower()
    else:
        rest, scheme = (None if "://" in text else _SCP.fullmatch(text)), "ssh"
    if rest is None:
        return ""
    port = rest.groupdict().get("port") or ""
    place = rest["host"].lower().rstrip(".") + (f":{int(port)}" if port and port != _PORTS[scheme] else "")
    path = _path(unquote(rest["path"]))
    return f"{place}/{path}" if path else ""


def _without_query(url: str) -> str:
    return re.split(r"[?#]", url, maxsplit=1)[0]


def _path(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    whole = "/".join(parts)
    return whole.removesuffix(".git").rstrip("/")
