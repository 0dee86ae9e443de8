"""What may be a remote's URL, and how it is shown: checked before git sees it, without credentials ever after.

Git takes more for a URL than people think: `ext::sh -c …` runs a command, a host of `-oProxyCommand=…` becomes an
option of ssh, and percent signs are decoded before either is looked at (git-fetch(1), "GIT URLS"; connect.c).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from superqode.session.errors import InvalidRemote

__all__ = ["URL_MAX", "check_url", "clean_url", "hide_credentials", "is_local"]

URL_MAX: Final = 2000
_SHOWN_MAX: Final = 200
_SCHEMES: Final = ("https", "http", "ssh", "git", "file")
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_AUTHORITY: Final = re.compile(r"(?:(?P<user>[^/?#]*)@)?(?P<place>[^/?#@]*)(?P<path>.*)", re.DOTALL)
_PLACE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[\w.-]+)(?::(?P<port>\d{0,5}))?")
# As in Git: a colon before any slash is a host's. `[…]` holds an IPv6 address, or a host with a port.
_SCP: Final = re.compile(
    r"(?:(?P<user>[^/:@\[\]]+)@)?(?P<host>[\w.-]+|\[[^\]/@]+\]|\[[^\]/@:]+@[^\]/@]+\]):(?P<path>[^:].*)", re.DOTALL
)
_TRANSPORT: Final = re.compile(r"[\w+.-]*::")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@'\"]*@")
_PASSWORD_BEFORE_HOST: Final = re.compile(r"[^/@]*@[^/]*:")
_SECRET_MIN: Final = 4


def check_url(text: str) -> str:
    """Give a remote's URL as git may see it: the scheme in lower case, a local path made absolute.

    Args:
        text: begins with `https://`, `http://`, `ssh://`, `git://` or `file://`, or is `[user@]host:path`, or a path.

    Raises:
        InvalidRemote: it is none, or git would make something else of it.
    """
    reason = _objection(text)
    if reason:
        raise InvalidRemote(clean_url(text)[:_SHOWN_MAX], reason)
    url = _URL.fullmatch(text)
    if url is not None:
        return f"{url['scheme'].lower()}://{url['rest']}"
    return text if _is_scp(text) else os.path.abspath(text)  # noqa: PTH100 - Path.resolve would follow links


def is_local(url: str) -> bool:
    """Whether a checked URL is a path of this machine, or one as `file://`."""
    return url.startswith("file://") or not (_URL.fullmatch(url) or _is_scp(url))


def clean_url(text: str) -> str:
    """A URL as it may be shown: without user and password (ssh keeps its user), query, fragment, control characters.

    Takes anything, so that what is refused can be named in the refusal.
    """
    text = "".join(letter for letter in text if letter.isprintable())
    url = _URL.fullmatch(text)
    if url is None:
        return _clean_scp(text)
    parts = _AUTHORITY.fullmatch(url["rest"])
    if parts is None:  # cannot be: every part of it may be empty
        return f"{url['scheme']}://"
    scheme = url["scheme"].lower()
    if scheme == "file":
        return text
    if not _PLACE.fullmatch(parts["place"]):  # a password with / or # in it, perhaps: what precedes an @ is not shown
        return f"{scheme}://{re.split('[?#]', url['rest'].rpartition('@')[2], maxsplit=1)[0]}"
    user = (parts["user"] or "").partition(":")[0] if scheme == "ssh" else ""
    path = re.split(r"[?#]", parts["path"], maxsplit=1)[0]
    return f"{scheme}://{user + '@' if user else ''}{parts['place']}{path}"


def hide_credentials(text: str, url: str) -> str:
    """Take a URL's credentials out of a text, as they are and as they are decoded, and any other URL's too."""
    text = _CREDENTIALS.sub("", text)
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _is_scp(text: str) -> bool:
    colon = text.find(":")
    if colon < 0 or "/" in text[:colon]:
        return False
    return not (os.name == "nt" and _DRIVE.match(text))


def _clean_scp(text: str) -> str:
    if not _is_scp(text):
        return text
    host, _, path = text.partition(":")
    # `user:password@host:path` is no URL of Git's; people write it, and it must not be shown whole.
    if "@" not in host and _PASSWORD_BEFORE_HOST.match(path):
        return path.partition("@")[2]
    return text


def _secrets(url: str) -> set[str]:
    """What in a URL gives access: the password, or the user where it stands alone before a web host; the query."""
    found = _URL.fullmatch(url)
    parts = _AUTHORITY.fullmatch(found["rest"]) if found else None
    if found is None or parts is None or found["scheme"].lower() == "file":
        return set()
    user, has_password, password = (parts["user"] or "").partition(":")
    secrets = {password}
    if not has_password and found["scheme"].lower() != "ssh":
        secrets.add(user)
    secrets.add(parts["path"].partition("?")[2])
    return {text for secret in secrets for text in (secret, unquote(secret)) if len(text) >= _SECRET_MIN}


def _objection(text: str) -> str:
    """Why a text is no URL of a remote; empty where it is one."""
    url = _URL.fullmatch(text)
    faults = (
        (not text.strip() or text != text.strip(), "it is empty, or begins or ends with a space"),
        (len(text) > URL_MAX, f"it is longer than {URL_MAX} characters"),
        (not (unquote(text) if url else text).isprintable(), "it contains control characters"),
        (text.startswith("-"), "it begins with a dash, as options do"),
        (_TRANSPORT.match(text) is not None, f"{text.partition('::')[0][:20]}:: names a program that would run"),
    )
    found = _first(faults)
    if found or not (url or _is_scp(text)):
        return found
    return _url_objection(url["scheme"].lower(), url["rest"]) if url else _scp_objection(text)


def _first(faults: Iterable[tuple[bool, str]]) -> str:
    return next((reason for is_fault, reason in faults if is_fault), "")


def _url_objection(scheme: str, rest: str) -> str:
    if scheme not in _SCHEMES:
        return f"{scheme[:20]}:// is not spoken here"
    if scheme == "file":
        return "" if rest.startswith("/") or _DRIVE.match(rest) else "after file:// comes a path that begins with /"
    parts = _AUTHORITY.fullmatch(rest)
    place = _PLACE.fullmatch(unquote(parts["place"])) if parts else None
    if parts is None or place is None or int(place["port"] or 0) > 65535:  # the highest port there is
        return "its host or port is none"
    dashed = unquote(parts["user"] or "").startswith("-") or place["host"].startswith("-")
    return _first(
        (
            (re.search(r"\s", rest) is not None, "it contains a space (%20 in a URL)"),
            ("#" in rest, "it has a part behind #, as the link of a share has"),
            (dashed, "its host or user begins with a dash, as options do"),
            (scheme in ("ssh", "git") and not parts["path"].startswith("/"), "it has no path"),
        )
    )


def _scp_objection(text: str) -> str:
    parts = _SCP.fullmatch(text)
    if parts is None or re.search(r"\s", text):
        return "it looks like host:path, and is not"
    dashed = any(part.startswith("-") for part in (parts["user"] or "", parts["host"].lstrip("["), parts["path"]))
    hidden = "@" not in text.partition(":")[0] and _PASSWORD_BEFORE_HOST.match(parts["path"])
    return _first(
        (
            (dashed, "its host, user or path begins with a dash, as options do"),
            (bool(hidden), "it has a password in it, which only https:// takes"),
            ("#" in text, "it has a part behind #, as the link of a share has"),
        )
    )
