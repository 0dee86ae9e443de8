"""Secrets that tell themselves by their shape: private keys, and tokens with a vendor's prefix.

The detector library knows hundreds of vendors, and asks more of a token than its prefix (randomness, checksums, a
companion). The common ones stand here again by prefix and length alone: whoever pastes one means it.
Shapes are those in the vendors' documentation of their tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from superqode.session.redaction.known import is_placeholder
from superqode.session.redaction.spans import SHAPED, Span, occurrences
from superqode.session.redaction.view import View

__all__ = ["NAMES", "find_shapes"]

_WORD_MIN: Final = 20
# Longer ones are blobs.
_WORD_MAX: Final = 4096
# Every character of a word becomes the same one, so that searching for so many of it finds the long words.
_CLASSES: Final = bytes(120 if (byte < 128 and chr(byte).isalnum()) or byte in b"_-" else 32 for byte in range(256))
_LONG_WORD: Final = b"x" * _WORD_MIN
_PREFIXED: Final = (
    ("aws-access-key-id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A[A-Z]{3}[0-9A-Z]{16}"),
    ("github-token", ("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), r"gh[a-z]_[A-Za-z0-9]{36,255}"),
    ("github-token", ("gith",), r"github_pat_\w{36,255}"),
    ("gitlab-token", ("glpa", "gldt", "glrt", "glpt", "glft", "glso", "glim", "glcb"), r"gl[a-z]{2,5}-[\w-]{20,255}"),
    ("slack-token", ("xoxa", "xoxb", "xoxc", "xoxd", "xoxe", "xoxp", "xoxr", "xoxs"), r"xox[a-z]-[\w-]{14,255}"),
    ("slack-token", ("xapp",), r"xapp-[\w-]{14,255}"),
    ("stripe-key", ("sk_l", "sk_t", "sk_p", "rk_l", "rk_t", "rk_p"), r"[sr]k_(?:live|test|prod)_\w{10,255}"),
    ("stripe-webhook-secret", ("whse",), r"whsec_\w{24,255}"),
    ("anthropic-api-key", ("sk-a",), r"sk-ant-[\w-]{20,255}"),
    ("openai-api-key", ("sk-",), r"sk-(?=[\w-]*[0-9])(?:[a-z]{2,10}-)?(?:\w[\w-]*[A-Z_])?\w{16,}[\w-]*"),
    ("google-api-key", ("AIza",), r"AIza[\w-]{35}"),
    ("google-oauth-secret", ("GOCS",), r"GOCSPX-[\w-]{20,60}"),
    ("npm-token", ("npm_",), r"npm_[A-Za-z0-9]{36}"),
    ("pypi-token", ("pypi",), r"pypi-[\w-]{50,}"),
    ("huggingface-token", ("hf_",), r"hf_[A-Za-z0-9]{30,}"),
    ("twilio-api-key", ("SK",), r"SK[0-9a-f]{32}"),
    ("square-token", ("sq0",), r"sq0[a-z]{3}-[\w-]{22,}"),
    ("notion-token", ("ntn_",), r"ntn_[A-Za-z0-9]{40,}"),
    ("new-relic-key", ("NRAK",), r"NRAK-[A-Z0-9]{27}"),
    ("sentry-token", ("sntr",), r"sntry[su]_[\w-]{30,}"),
    ("fly-token", ("fo1_",), r"fo1_[\w-]{30,}"),
    ("digitalocean-token", ("dop_", "doo_", "dor_"), r"do[opr]_v1_[0-9a-f]{64}"),
    ("groq-api-key", ("gsk_",), r"gsk_[A-Za-z0-9]{40,}"),
    ("docker-token", ("dckr",), r"dckr_(?:pat|oat)_[\w-]{20,}"),
    ("shopify-token", ("shpa", "shpc", "shps"), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("mailgun-key", ("key-",), r"key-[0-9a-f]{32}"),
)  # fmt: skip
_BY_PREFIX: Final[dict[bytes, list[tuple[str, re.Pattern[bytes]]]]] = {}
for _rule, _prefixes, _shape in _PREFIXED:
    for _prefix in _prefixes:
        _BY_PREFIX.setdefault(_prefix.encode(), []).append((_rule, re.compile(_shape.encode(), re.ASCII)))
_BEGINNINGS: Final = frozenset(prefix[:2] for prefix in _BY_PREFIX)

# Tokens of several words: where to look, how far before that the token may begin, and its shape.
_JOINED: Final = (
    (b"eyJ", (0, 0), re.compile(rb"(?<![\w.-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"), "jwt"),
    (b"SG.", (0, 0), re.compile(rb"(?<![\w.-])SG\.[\w-]{16,32}\.[\w-]{32,64}"), "sendgrid-key"),
    (b"ya29.", (0, 0), re.compile(rb"(?<![\w.-])ya29\.[\w-]{30,}"), "google-oauth-token"),
    (b":AA", (8, 10), re.compile(rb"(?<![\w.-])[0-9]{8,10}:AA[\w-]{33}(?![\w-])"), "telegram-bot-token"),
    (b"Q~", (4, 4), re.compile(rb"(?<![\w.~-])[\w.~-]{3}[0-9]Q~[\w.~-]{31,34}(?![\w.~-])"), "azure-client-secret"),
    (b"-us", (32, 32), re.compile(rb"(?<![\w-])[0-9a-f]{32}-us[0-9]{1,2}(?![\w-])"), "mailchimp-key"),
    (b"sig=", (0, 0), re.compile(rb"(?<![\w])sig=([\w%+/-]{40,}(?:=|%3[dD])*)"), "azure-signature"),
)

_PRIVATE_KEY: Final = "private-key"
NAMES: Final = frozenset({*(rule for rule, _, _ in _PREFIXED), *(rule for _, _, _, rule in _JOINED), _PRIVATE_KEY})
"""The rules that stand here."""

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----")
_KEY_MAX: Final = 64 * 1024
# What lies between two strings of JSON: the END behind it is not of this BEGIN.
_STRUCTURE: Final = re.compile(rb"[\"'][ \t\n]*(?:[:\]}]|,[ \t\n]*[\"'])")
_KEY_MATTER: Final = re.compile(rb"[A-Za-z0-9+/=]{16,}")
# A key's lines by themselves, quoted or as a diff has them, with the headers that may stand above them; the last is
# short, cut off, or padded; behind it the END, if it is there.
_BETWEEN: Final = rb"[ \t\r\n\"',>|*#+-]{0,16}"
_KEY_LINES: Final = re.compile(
    rb"(?:" + _BETWEEN + rb"(?:[A-Za-z0-9+/=]{16,}|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):[^\n]{0,200}))"
    rb"{1,2000}(?:" + _BETWEEN + rb"[A-Za-z0-9+/]{1,15}(?:={1,2}|(?=[ \t\"']*(?:\r?\n[ \t]*[\r\n\x1a]|\r?\n?\Z))"
    rb"|(?=" + _BETWEEN + rb"-----END )))?(?:" + _BETWEEN + rb"-----END [A-Z0-9 ]{0,60}-----)?"
)
_PUTTY: Final = re.compile(rb"Private-Lines: [0-9]{1,4}\s+((?:[A-Za-z0-9+/=]{4,80}[ \t]*\r?\n?){1,200})")


def find_shapes(seen: View) -> Iterator[Span]:
    """Give every private key and every token that its prefix tells."""
    yield from _words(seen.plain)
    for anchor, back, shape, rule in _JOINED:
        yield from _joined(seen.plain, anchor, back, shape, rule)
    yield from _private_keys(seen.plain)


def _words(data: bytes) -> Iterator[Span]:
    """Give the tokens that are one long word; a look at its first two characters spares most."""
    classes = data.translate(_CLASSES)
    start = classes.find(_LONG_WORD)
    while start >= 0:
        end = classes.find(b" ", start + _WORD_MIN)
        end = len(data) if end < 0 else end
        if data[start : start + 2] in _BEGINNINGS and end - start <= _WORD_MAX:
            rule = _rule_of(data[start:end])
            if rule:
                yield Span(start, end, SHAPED, rule)
        start = classes.find(_LONG_WORD, end)


def _rule_of(word: bytes) -> str:
    """The rule that knows a word; empty where none does."""
    for length in (4, 3, 2):
        for rule, shape in _BY_PREFIX.get(word[:length], ()):
            if shape.fullmatch(word) and not is_placeholder(word.decode("ascii")):
                return rule
    return ""


def _joined(data: bytes, anchor: bytes, back: tuple[int, int], shape: re.Pattern[bytes], rule: str) -> Iterator[Span]:
    done = 0
    for place in occurrences(data, anchor):
        if place < done:
            continue
        begins = range(max(0, place - back[1]), place - back[0] + 1)
        found = next((found for begin in begins if (found := shape.match(data, begin))), None)
        if found:
            yield Span(*found.span(shape.groups), SHAPED, rule)
            done = found.end()


def _private_keys(data: bytes) -> Iterator[Span]:
    """Give whole blocks, from BEGIN to END, or as far as lines of a key go where the END is missing."""
    done = next_end = 0
    for place in occurrences(data, b"-----BEGIN "):
        found = _BEGIN.match(data, place) if place >= done else None
        if found is None:
            continue
        if 0 <= next_end < found.end():
            next_end = data.find(b"-----END ", found.end())
        done = _end_of_block(data, found, next_end) or _end_of_lines(data, found.end())
        if done:
            yield Span(place, done, SHAPED, _PRIVATE_KEY)
    for place in occurrences(data, b"Private-Lines: "):
        putty = _PUTTY.match(data, place)
        if putty:
            yield Span(putty.start(1), putty.start(1) + len(putty[1].rstrip()), SHAPED, _PRIVATE_KEY)


def _end_of_block(data: bytes, begin: re.Match[bytes], end: int) -> int:
    """Where the block ends, if what stands before its END is mostly a key, in whatever frame; else 0."""
    closing = b"-----END " + begin[1] + b"-----"
    size = end - begin.end()
    if not 0 < size <= _KEY_MAX or not data.startswith(closing, end) or _STRUCTURE.search(data, begin.end(), end):
        return 0
    matter = sum(line.end() - line.start() for line in _KEY_MATTER.finditer(data, begin.end(), end))
    return end + len(closing) if matter * 2 >= size else 0


def _end_of_lines(data: bytes, start: int) -> int:
    lines = _KEY_LINES.match(data, start, start + _KEY_MAX)
    return lines.end() if lines and _KEY_MATTER.search(lines[0]) else 0
