"""Secrets that what carries them tells: URLs, HTTP headers, cookies, command lines, `.netrc`."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Final

from superqode.session.redaction.known import Kind, is_example, is_placeholder, is_secret
from superqode.session.redaction.spans import CARRIED, Span, occurrences
from superqode.session.redaction.view import View

__all__ = ["NAMES", "find_carried"]

NAMES: Final = frozenset(
    {"authorization", "basic-auth", "bearer-token", "command-password", "cookie", "url-password", "url-token"}
)
"""The rules that stand here."""

_SCHEME: Final = re.compile(rb"[a-z0-9+.-]{2,}[ ]{0,2}\Z")
# user:password@host; a password may hold an @ of its own, and the last one counts.
_USERINFO: Final = re.compile(
    rb"://([^\s/?#\"'`<>@:\\\x00-\x1f]{0,256}):([^\s/\"'`<>\\\x00-\x1f]{1,256})@(?=[\w\[.$-])"
)
_USER_ONLY: Final = re.compile(rb"://([\w.~%-]{20,256})(?::(?:x-oauth-basic|)?)?@(?=[\w\[])")
# Several hosts with ports, of which a later one has the password.
_PORTS: Final = re.compile(r"[0-9]{1,5},")

_AUTHORIZATION: Final = re.compile(
    rb"authorization[ ]{0,7}[\"'`]?\]?[ \t]*(?:[:=,]|=>)[ \t]*[\"'`]?[ \t]*"
    rb"(?:(?P<scheme>bearer|basic|token|digest|apikey|api-key|bot|key|negotiate|hawk|aws4-hmac-sha256)[ \t:=]+)?"
    rb"(?P<value>[a-z0-9._~+/=:|-]{6,4096})"
)
_BEARER: Final = re.compile(rb"bearer[ \t]+[\"']?(?P<value>[a-z0-9._~+/-]{12,4096}=*)")
_COOKIE: Final = re.compile(
    rb"(?:cookies?)[ ]{0,7}[\"'`]?\]?[ \t]*(?:[:=,]|=>)[ \t]*[\"'`]?(?P<pairs>[^\n\"'`]{3,4096})"
)
_PAIR: Final = re.compile(rb"([\w.$-]{1,128})=([^;,\s\x00-\x1f]{4,4096})")
_SESSION_NAME: Final = re.compile(
    rb"sess|sid|auth|token|jwt|csrf|xsrf|login|remember|secret|key|credential|identity|sso"
)
_CURL_USER: Final = re.compile(rb"-(?:u|-user)[ =]?[\"']?[^\s:\"']{0,128}:([^\s\"'\x00-\x1f]{1,4096})")
_SSHPASS: Final = re.compile(rb"sshpass[ \t]+-p[ \t]?[\"']?([^\s\"'\x00-\x1f]{1,4096})")
_SQL: Final = re.compile(rb"identified[ \t]+(?:with[ \t]+[\w\"'`]{1,40}[ \t]+)?by[ \t]+[\"']([^\"'\n\x1c]{1,256})[\"']")
_SQL_VERB: Final = re.compile(rb"\b(?:create|alter|grant|user)\b")
_DOCKER: Final = re.compile(rb"\"auth[ ]{0,7}\"[ \t]*:[ \t]*\"([a-z0-9+/]{8,4096}={0,2})")
_CONTEXT: Final = 400


def find_carried(seen: View) -> Iterator[Span]:
    """Give every secret that its carrier tells."""
    yield from _urls(seen)
    yield from _headers(seen)
    yield from _cookies(seen)
    yield from _commands(seen)


def _text(seen: View, found: re.Match[bytes], group: int | str) -> str:
    return seen.text[found.start(group) : found.end(group)]


def _unmarked(seen: View, end: int) -> bool:
    """Whether the value ends by itself, and not at the mark of what was masked of it."""
    return seen.plain[end : end + 1] != b"\x1c"


def _urls(seen: View) -> Iterator[Span]:
    for place in occurrences(seen.plain, b"://"):
        if not _SCHEME.search(seen.low, max(0, place - 30), place):
            continue
        found = _USERINFO.match(seen.plain, place)
        if found:
            password = _text(seen, found, 2)
            if not (is_example(password) or _PORTS.match(password)):
                yield Span(*found.span(2), CARRIED, "url-password")
            continue
        found = _USER_ONLY.match(seen.plain, place)
        if found and is_secret(_text(seen, found, 1), Kind.TOKEN, quoted=False):
            yield Span(*found.span(1), CARRIED, "url-token")


def _headers(seen: View) -> Iterator[Span]:
    for place in occurrences(seen.low, b"authorization"):
        found = _AUTHORIZATION.match(seen.low, place)
        if found and _unmarked(seen, found.end()) and _is_credential(seen, found):
            yield Span(*found.span("value"), CARRIED, "authorization")
    for place in occurrences(seen.low, b"bearer"):
        found = _BEARER.match(seen.low, place)
        if found and _unmarked(seen, found.end()) and is_secret(_text(seen, found, "value"), Kind.TOKEN, quoted=False):
            yield Span(*found.span("value"), CARRIED, "bearer-token")
    for place in occurrences(seen.low, b'"auth'):
        found = _DOCKER.match(seen.low, place)
        if found and _unmarked(seen, found.end()) and _holds_colon(_text(seen, found, 1)):
            yield Span(*found.span(1), CARRIED, "basic-auth")


def _is_credential(seen: View, found: re.Match[bytes]) -> bool:
    value = _text(seen, found, "value")
    if found["scheme"] == b"basic":
        return _holds_colon(value) or is_secret(value, Kind.KEY, quoted=False, literal=True)
    return is_secret(value, Kind.KEY if found["scheme"] else Kind.TOKEN, quoted=False, literal=True)


def _holds_colon(value: str) -> bool:
    """Whether it is the base64 of `user:password`."""
    try:
        decoded = b64decode(value + "=" * (-len(value) % 4), validate=True)
    except Base64Error:
        return False
    user, colon, password = decoded.partition(b":")
    return bool(user and colon and password) and not is_example(password.decode("latin-1"))


def _cookies(seen: View) -> Iterator[Span]:
    done = 0
    for place in occurrences(seen.low, b"cookie"):
        found = _COOKIE.match(seen.low, place) if place >= done else None
        if found is None:
            continue
        done = found.end()
        for pair in _PAIR.finditer(seen.low, *found.span("pairs")):
            kind = Kind.KEY if _SESSION_NAME.search(pair[1]) else Kind.TOKEN
            value = _text(seen, pair, 2)
            if _unmarked(seen, pair.end()) and _is_cookie(value, kind):
                yield Span(*pair.span(2), CARRIED, "cookie")


def _is_cookie(value: str, kind: Kind) -> bool:
    if kind is Kind.KEY and 6 <= len(value) < 8:  # the name says it all: a short one counts, if it is no word
        return value.isalnum() and not (value.isalpha() or value.isdigit() or is_placeholder(value))
    return is_secret(value, kind, quoted=False, literal=True)


def _commands(seen: View) -> Iterator[Span]:
    for flag in (b" -u", b" --user"):
        for place in occurrences(seen.plain, flag):
            found = _CURL_USER.match(seen.plain, place + 1)
            if found and _calls(seen, b"curl", place) and is_secret(_text(seen, found, 1), Kind.PASSWORD, quoted=True):
                yield Span(*found.span(1), CARRIED, "command-password")
    for place in occurrences(seen.low, b"sshpass"):
        found = _SSHPASS.match(seen.low, place)
        if found and is_secret(_text(seen, found, 1), Kind.PASSWORD, quoted=True):
            yield Span(*found.span(1), CARRIED, "command-password")
    for place in occurrences(seen.low, b"identified"):
        found = _SQL.match(seen.low, place)
        told = found is not None and _SQL_VERB.search(seen.low, max(0, place - _CONTEXT), place)
        if found and told and is_secret(_text(seen, found, 1), Kind.PASSWORD, quoted=True):
            yield Span(*found.span(1), CARRIED, "command-password")


def _calls(seen: View, program: bytes, place: int) -> bool:
    """Whether the program is called on the same line, not far before."""
    start = seen.low.rfind(program, max(0, place - _CONTEXT), place)
    return start >= 0 and b"\n" not in seen.plain[start:place].replace(b"\\ \n", b"").replace(b"\\\n", b"")
