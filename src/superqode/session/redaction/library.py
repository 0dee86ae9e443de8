"""The detector library: Kingfisher (`kingfisher_sdk`), which knows the keys and tokens of some hundred vendors.

It scans offline and in this process, with all its rules in one pass. It is loaded when the first text needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session.redaction.known import is_digest, is_placeholder
from superqode.session.redaction.spans import SHAPED, Span
from superqode.session.redaction.view import View

if TYPE_CHECKING:
    from kingfisher_sdk import Rules, Scanner

__all__ = ["OURS", "find_listed", "library_version", "listed_rules", "may_hold", "rule_name"]

# No rule of the library that we listen to matches without so many characters in a row that are not blank.
_RUN: Final = 10
_BLANKS: Final = bytes(32 if byte <= 32 or byte == 127 else 120 for byte in range(256))
_SHORTEST: Final = b"x" * _RUN
# Rules of which ours know more: they tell placeholders, and where a password begins and a key ends.
OURS: Final = ("private-key", "generic-credential-uri", "curl-auth-user")
# The library is slow on many of these.
_KEY_HEADER: Final = b"PRIVATE KEY"
_CREDENTIALS: Final = re.compile(rb"[a-z0-9+.-]+://[^/\s]{1,600}@", re.IGNORECASE)
_DIGEST_BEFORE: Final = re.compile(
    rb"(?:sha-?[0-9]{0,3}|md5|digest|hash|checksum|integrity|commit|oid|rev(?:ision)?|etag|tree|parent|uuid|guid|id)"
    rb"[\"'`]?[ \t]*[:=-]?[ \t]*[\"'`]?\Z"
)
_BLOB: Final = re.compile(rb"[A-Za-z0-9+/=]{256,}")


_scanners: list[Scanner] = []


@cache
def library_version() -> str:
    """Give the version of the installed library; verdicts depend on it."""
    return version("kingfisher-secret-scanner")


def may_hold(data: bytes) -> bool:
    """Whether the library could find anything in a text at all."""
    return _SHORTEST in data.translate(_BLANKS)


def find_listed(seen: View, rules_cache: Path | None = None) -> Iterator[Span]:
    """Give what the library finds, but for what is known to be none.

    Args:
        seen: the text.
        rules_cache: a folder of ours where the library keeps its compiled rules; see `Redactor`.
    """
    if not may_hold(seen.raw):
        return
    # Of the text without escapes: some of the library's shapes run on over a backslash.
    data = seen.plain.replace(_KEY_HEADER, b"\x1a" * len(_KEY_HEADER))
    for span in _scan(_scanner(rules_cache), data):
        if not _is_known(seen, data, span):
            yield span


def listed_rules(rules_cache: Path | None = None) -> frozenset[str]:
    """The names of the library's rules, as `rule_name` gives them; `rules_cache` as above."""
    return frozenset(rule_name(rule["id"]) for rule in _rules(rules_cache).metadata())


def _rules(rules_cache: Path | None) -> Rules:
    from kingfisher_sdk import Rules

    return Rules(cache=False) if rules_cache is None else Rules(cache_dir=rules_cache)


def _scanner(rules_cache: Path | None) -> Scanner:
    """The process's one scanner: it takes 50 MB, and seconds to make."""
    if not _scanners:
        from kingfisher_sdk import Scanner

        _scanners.append(Scanner(_rules(rules_cache), base64=False))
    return _scanners[0]


def _scan(scanner: Scanner, data: bytes) -> Iterator[Span]:
    for finding in scanner.scan(data):
        rule = rule_name(finding.rule_id)
        if finding.visible and rule not in OURS:
            place = finding.location
            yield Span(place["start_offset"], place["end_offset"], SHAPED, rule)


@cache
def rule_name(rule_id: str) -> str:
    """Give the library's name of a rule as one of ours: `betterleaks.github-pat` is `github-pat`."""
    short = re.sub(r"\.[0-9]+$", "", rule_id.lower())
    short = re.split(r"[./]", short)[-1]
    return re.sub(r"[^a-z0-9]+", "-", short).strip("-")[:64] or "library"


def _is_known(seen: View, data: bytes, span: Span) -> bool:
    """Whether we know better: URLs are ours to judge, digests stay, and a blob's middle is chance."""
    secret = data[span.start : span.end]
    text = seen.text[span.start : span.end]
    if _CREDENTIALS.match(secret) or is_placeholder(text):
        return True
    if is_digest(text) and _DIGEST_BEFORE.search(seen.low[max(0, span.start - 24) : span.start]):
        return True
    return _in_blob(data, span)


def _in_blob(data: bytes, span: Span) -> bool:
    start = max(0, span.start - 512)
    for blob in _BLOB.finditer(data, start, span.end + 512):
        if blob.start() <= span.start and span.end <= blob.end():
            return span.end - span.start < (blob.end() - blob.start()) // 2
    return False
