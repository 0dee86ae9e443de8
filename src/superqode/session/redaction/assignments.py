"""Secrets that the name beside them tells: `password=…`, `"api_key": "…"`, `export TOKEN=…`, `--password …`, `.netrc`.

Names are looked for by the word they end with; around each the name, the sign and the value are matched once, so that
time grows with the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from superqode.session.redaction.known import Kind, is_passphrase, is_secret
from superqode.session.redaction.spans import ASSIGNED, Span, occurrences
from superqode.session.redaction.view import MARKED, View

__all__ = ["NAMES", "find_assigned"]

_TAIL: Final = (
    rb"(?:[_-]?(?:value|string|base64|base|b64|plain|raw|prod|production|dev|live|staging|main|new|old|current|default"
    rb"|[0-9]{1,3}))?"
)
# The name's end, perhaps a type, and a sign: `"]: str = `, `" value=`, `=>`, `>`. Not `==`, not `::`.
_SIGN: Final = (
    rb"(?P<close>[ ]{0,7}[\"'`]?\]?)(?P<space>[ \t]*)"
    rb"(?P<sign>:[ \t]*[a-z_][\w.\[\]| ]{0,30}?[ \t]*=(?![=>])|=>|:=|[\"']?[ \t]+value[ \t]*=|[=:](?![=:~])"
    rb"|>(?=[^<>\s]{1,256}</))"
    rb"(?P<gap>[ \t]*)"
)
# Longer values are blobs.
_VALUE_MAX: Final = 4096
_UNQUOTED: Final = rb"[^\s\"'`,;&<>\x00-\x1f\x7f]{1,4096}"
_FLAG: Final = re.compile(_TAIL + rb"[ \t]+(?P<quote>[\"']?)(?P<value>" + _UNQUOTED + rb")")
_SQL: Final = re.compile(rb"[ \t]+'(?P<value>[^'\n\x1c]{1,256})'")


class _Stem(NamedTuple):
    """A word that names of secrets end with."""

    anchor: bytes
    shape: re.Pattern[bytes]
    rule: str


_STEMS: Final = tuple(
    _Stem(anchor, re.compile(word + _TAIL + _SIGN), rule)
    for anchor, word, rule in (
        (b"pass", rb"pass(?:word|wd|phrase|code|wort)?", "password"),
        (b"pwd", rb"pwd", "password"),
        (b"secret", rb"secret", "secret"),
        (b"token", rb"token", "token"),
        (b"key", rb"key", "api-key"),
        (b"credential", rb"credentials?", "secret"),
    )
)
_NETRC: Final = "netrc-password"
NAMES: Final = frozenset({*(stem.rule for stem in _STEMS), _NETRC})
"""The rules that stand here."""

_REST: Final = re.compile(rb"[a-z]{0,16}")
_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.-")
_NAME_MAX: Final = 64
# What makes a key one that opens something, as the end of what stands before `key`.
_OPENS: Final = re.compile(
    rb"(?:api|access|secret|private|auth|authorization|encrypt|encryption|signing|sign|signature|master|account|service"
    rb"|shared|app|application|admin|client|license|consumer|subscription|storage|deploy|webhook|crypt|cipher|aes|hmac"
    rb"|jwt|openai|anthropic|stripe|sendgrid|mailgun|maps|server|write|ingest|integration|functions?|host)[_-]?\Z"
)
# A parser's, a model's and a pager's tokens open nothing.
_COUNTED: Final = re.compile(
    rb"(?:page|next|prev|previous|continuation|cursor|sync|cancel|cancellation|abort|stop|eos|bos|pad|unk|mask|sep|cls|max|min|num"
    rb"|total|input|output|prompt|completion|thinking|cached?|reasoning|start|end|first|last|special|design|color|resume"
    rb"|change|lex|parse|per|sub|delimiter|operator|ident|tool|image|audio|video|vocab|best|top|each|marker)[_-]?\Z"
)
_SURE_TOKEN: Final = re.compile(
    rb"(?:access|auth|authentication|refresh|bearer|api|session|secret|private|deploy|personal|bot|oauth|security|github|gitlab|gh|npm|slack"
    rb"|pypi|hf|huggingface|vault|user|admin|service|registry|jwt|csrf|xsrf|client|app|webhook|push|upload|publish|web)[_-]?\Z"
)
_BARE_PASS: Final = re.compile(rb"(?:^|[^a-z]|db|user|my|smtp|sql|admin|root|mail|ftp|ssh|redis|mongo|postgres|pg)\Z")

# Inside quotes of a text without escapes of its own.
_QUOTED: Final = {
    quote: re.compile(rb"((?:[^Q\\\n\x1c]|\\[^\n\x1c]){1,4096})Q".replace(b"Q", quote)) for quote in (b'"', b"'", b"`")
}
_BARE: Final = re.compile(_UNQUOTED)
# In `.env` files and behind `export` a value goes on to the next blank.
_TO_BLANK: Final = re.compile(rb"[^\s\"'`\x00-\x1f\x7f]{1,4096}")
_PREFIXED: Final = re.compile(rb"[brfuBRFU]{1,2}(?=[\"'])")
_LINE_END: Final = re.compile(rb"[ \t]*(?:#|[\r\n\"'\x1a]|\Z)")
_SYMBOL: Final = re.compile(rb"[!@#$%^*+=~?]")
_TYPE: Final = re.compile(
    rb"(?:u?int|float|double|str|string|bytes|varchar|char|text|bool|utf|v|option|list|t)[0-9_]{1,4}"
)
# After a value that is none this long, its inside is not looked at again: time stays linear.
_LONG: Final = 256


def find_assigned(seen: View) -> Iterator[Span]:
    """Give every value that its name tells to be secret."""
    for stem in _STEMS:
        done = 0
        for place in occurrences(seen.low, stem.anchor):
            if place < done:
                continue
            found = stem.shape.match(seen.low, place)
            span = _value(seen, stem, place, found) if found else _told_by_context(seen, stem, place)
            if span is None:
                continue
            if span.rule:
                yield span
            if span.end - place > _LONG:
                done = span.end


def _value(seen: View, stem: _Stem, place: int, found: re.Match[bytes]) -> Span | None:
    """The value that follows; with an empty rule where it is no secret."""
    name = _name_before(seen, place)
    kind = _kind(stem, name, bare=_is_bare(seen, stem, place))
    start = found.end()
    prefix = _PREFIXED.match(seen.plain, start)
    quote_at = prefix.end() if prefix else start
    quote = seen.plain[quote_at : quote_at + 1]
    quoted = quote in _QUOTED
    if quoted:
        inner = _inside(seen, quote_at)
        if inner is None:
            return None
        value = inner
    else:
        bare = (_TO_BLANK if _is_own_line(seen, name, place, found) else _BARE).match(seen.plain, start)
        if bare is None or seen.plain[bare.end() : bare.end() + 1] == MARKED:
            return None
        if bare.end() - start >= _VALUE_MAX:
            return Span(*bare.span(), ASSIGNED, "")
        value = (start, _trimmed(seen.plain, start, bare.end()))
    text = seen.text[value[0] : value[1]]
    literal = quoted or _is_literal(seen, name, place, found, value[1])
    secret = kind is not None and is_secret(text, kind, quoted=quoted, literal=literal)
    secret |= quoted and seen.low.startswith(b"passphrase", place) and is_passphrase(text)
    return Span(*value, ASSIGNED, stem.rule if secret else "")


def _inside(seen: View, quote_at: int) -> tuple[int, int] | None:
    """What stands in the quotes that open here; `None` where they do not close on the line."""
    quote = seen.raw[quote_at : quote_at + 1]
    level = _backslashes(seen.raw, quote_at)
    if not level:
        found = _QUOTED[quote].match(seen.raw, quote_at + 1)
        return found.span(1) if found else None
    # In JSON the quotes are escaped alike; those inside have more backslashes.
    end = seen.raw.find(quote, quote_at + 1, quote_at + _VALUE_MAX)
    while end >= 0 and (escapes := _backslashes(seen.raw, end)) > level:
        end = seen.raw.find(quote, end + 1, quote_at + _VALUE_MAX)
    if end < 0 or escapes < level or end - level <= quote_at + 1:
        return None
    start, end = quote_at + 1, end - level
    return None if b"\n" in seen.plain[start:end] or MARKED in seen.plain[start:end] else (start, end)


def _backslashes(data: bytes, place: int) -> int:
    """How many stand before a place."""
    start = place
    while start and data[start - 1] == ord("\\"):
        start -= 1
    return place - start


def _name_before(seen: View, place: int) -> bytes:
    """What of the name stands before the stem."""
    start, least = place, max(0, place - _NAME_MAX)
    while start > least and seen.low[start - 1] in _NAME:
        start -= 1
    return seen.low[start:place]


def _kind(stem: _Stem, name: bytes, *, bare: bool) -> Kind | None:
    """What the whole name promises; `None` where it names something else."""
    if stem.rule == "password":
        return Kind.PASSWORD if _BARE_PASS.search(name) or not bare else None
    if stem.anchor == b"key":
        return Kind.KEY if _OPENS.search(name) else None
    if stem.anchor == b"token":
        if _COUNTED.search(name):
            return None
        return Kind.KEY if _SURE_TOKEN.search(name) else Kind.TOKEN
    return Kind.KEY


def _is_yaml(seen: View, start: int, end: int) -> bool:
    """Whether the value behind a colon is one of YAML, which has one a line, or stands out of a sentence."""
    value = seen.plain[start:end]
    letters = any(map(str.isalpha, value.decode("ascii")))
    digits = sum(character.isdigit() for character in value.decode("ascii"))
    if not letters or not value[:1].isalnum() or _TYPE.fullmatch(value.lower()):
        return False
    if _LINE_END.match(seen.plain, end):
        return not value.isalpha()
    return digits >= 2 or _SYMBOL.search(value) is not None


def _is_bare(seen: View, stem: _Stem, place: int) -> bool:
    """Whether the name ends with `pass` or `pwd`, as other words do: `bypass`, `getpass`, `spwd`."""
    return not seen.low[place + len(stem.anchor) : place + len(stem.anchor) + 1].isalpha()


def _is_literal(seen: View, name: bytes, place: int, found: re.Match[bytes], end: int) -> bool:
    """Whether an unquoted value cannot be a variable: `.env`, shell, YAML, XML, connection and query strings."""
    if found["sign"] == b">":
        return True
    following = seen.plain[end : end + 1]
    if found["sign"] == b":":
        return bool(found["gap"]) and _is_yaml(seen, found.end(), end)
    if found["sign"] != b"=" or found["space"] or found["gap"] or following in (b",", b")"):
        return False
    before = place - len(name)
    written = seen.plain[before : found.start("close")]
    opening = seen.plain[before - 1 : before] if before else b"\n"
    return written.isupper() or opening in b"\n;&?\"'`" or seen.low.endswith(b"export ", 0, before)


def _is_own_line(seen: View, name: bytes, place: int, found: re.Match[bytes]) -> bool:
    """Whether a name in capitals begins a line, as in `.env`, or stands behind `export`."""
    before = place - len(name)
    begins = not before or seen.low[before - 1 : before] == b"\n" or seen.low.endswith(b"export ", 0, before)
    return begins and found["sign"] == b"=" and seen.plain[before : found.start("close")].isupper()


def _told_by_context(seen: View, stem: _Stem, place: int) -> Span | None:
    """A value behind a flag, in `.netrc`, or in SQL."""
    word = _REST.match(seen.low, place + len(stem.anchor))
    end = word.end() if word else place
    if seen.low[end : end + 1] not in (b" ", b"\t"):
        return None
    name = _name_before(seen, place)
    start = place - len(name)
    line = seen.low[max(0, start - 200) : start].rpartition(b"\n")[2]
    if name.startswith(b"--"):
        found = _FLAG.match(seen.plain, end)
        kind = _kind(stem, name, bare=_is_bare(seen, stem, place))
        if found and kind and _ends(seen, found):
            return _judged(seen, found, kind, stem.rule, quoted=bool(found["quote"]))
    elif stem.anchor == b"pass" and re.search(rb"\blogin[ \t]+\S+[ \t]+\Z", line):
        found = _FLAG.match(seen.plain, end)
        if found and _ends(seen, found):
            return _judged(seen, found, Kind.PASSWORD, _NETRC, quoted=True)
    elif stem.anchor == b"pass" and re.search(rb"\b(?:user|role|with|encrypted)\b", line):
        found = _SQL.match(seen.plain, end)
        if found:
            return _judged(seen, found, Kind.PASSWORD, "password", quoted=True)
    return None


def _ends(seen: View, found: re.Match[bytes]) -> bool:
    """Whether the value ends by itself: neither at its longest, nor at the mark of what was masked of it."""
    return found.end() - found.start("value") < _VALUE_MAX and seen.plain[found.end() : found.end() + 1] != MARKED


def _judged(seen: View, found: re.Match[bytes], kind: Kind, rule: str, *, quoted: bool) -> Span | None:
    value = found.span("value")
    text = seen.text[value[0] : value[1]]
    if text.isalpha() and not quoted:
        return None
    return Span(*value, ASSIGNED, rule) if is_secret(text, kind, quoted=quoted, literal=True) else None


def _trimmed(data: bytes, start: int, end: int) -> int:
    """Where an unquoted value ends without the sentence's full stop and what closes around it."""
    while end > start + 1 and data[end - 1] in b".:;,&)]}\\":
        end -= 1
    return end
