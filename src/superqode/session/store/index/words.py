"""Text → words for SQLite's FTS5, and what people type → a valid query.

FTS5 splits at spaces and punctuation, which Chinese and Japanese do without. So each of their characters becomes a
word of its own, and a run of them in a query becomes a phrase: then any part of a sentence finds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from superqode.session.codec import jsontext
from superqode.session.errors import InvalidEntry

__all__ = ["described", "entry_text", "match_expression", "segment", "snippet"]

# CJK radicals to unified ideographs, kana, Hangul, compatibility and half-width forms, the supplementary planes; emoji.
_SINGLES: Final = (
    "\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_SINGLE: Final = re.compile(f"([{_SINGLES}])")
# A character of a word of several: where one stands beside a match, the match is inside a longer word.
_PLAIN: Final = rf"[^\W_{_SINGLES}]"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_TERM: Final = re.compile(r'"([^"]*)"|(\S+)')
_WORD: Final = re.compile(r"[^\W_]+")
_CONTEXT: Final = 60
_MAX_TERMS: Final = 32
_QUERY_MAX: Final = 1000


def entry_text(values: Mapping[str, Any]) -> str:
    """What a search looks at in an entry: a message's text, or a call's name, arguments and result.

    Args:
        values: the entry's fields, of its model or plain.

    Raises:
        InvalidEntry: there is no text where one should be.
    """
    if values["kind"] == "message":
        text = values.get("content")
    else:
        arguments = jsontext.dump_text(values.get("arguments"))
        text = f"{values.get('tool_name')}\n{arguments}\n{values.get('result')}"
    if not isinstance(text, str):
        raise InvalidEntry("its content is no text")
    return text


def described(title: str, tags: Iterable[str], project: str, name: str) -> str:
    """What the table of titles has of a session."""
    return segment(" ".join([title, *tags, project.rpartition("/")[2], name]))


def segment(text: str) -> str:
    """Give text with spaces around each character that is a word of its own, in compatibility form."""
    if text.isascii():
        return text.replace("\0", " ")
    normal = unicodedata.normalize("NFKC", _UNSTORABLE.sub(" ", text))
    return _SINGLE.sub(_single_word, normal)


def _single_word(found: re.Match[str]) -> str:
    character = found[1]
    # FTS5 takes pictures for punctuation, so they are spelled out.
    return f" u{ord(character):x} " if "\U0001f000" <= character <= "\U0001faff" else f" {character} "


def _terms(query: str) -> list[str]:
    found = [quoted or word for quoted, word in _TERM.findall(query[:_QUERY_MAX])]
    return [term for term in found if term.strip()][:_MAX_TERMS]


def match_expression(query: str) -> str:
    """Give an FTS5 expression for any text: all terms, `"quoted words"` as a phrase, `begin*` as a beginning.

    The result is empty where the text has nothing to look for.
    """
    parts: list[str] = []
    for term in _terms(query):
        prefix = "*" if term.endswith("*") and len(term) > 1 else ""
        words = segment(term.rstrip("*") if prefix else term).replace('"', " ")
        if any(_indexed(character) for character in words):
            parts.append(f'"{words}"{prefix}')
    return " AND ".join(parts)


def _indexed(character: str) -> bool:
    """Whether unicode61 makes a word of it: letters, digits, private use."""
    return unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "Co"


def snippet(text: str, query: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Give the part of a text around the first match, on one line, and where the matches are in it."""
    patterns = "|".join([_pattern(_folded(term)) for term in _terms(query)])
    found = re.search(patterns, _folded(text)) if patterns else None
    start = max(0, found.start() - _CONTEXT) if found else 0
    end = min(len(text), (found.end() if found else 0) + 2 * _CONTEXT)
    shown = " ".join(text[start:end].split())
    shown = ("…" if start else "") + shown + ("…" if end < len(text) else "")
    marks = [match.span() for match in re.finditer(patterns, _folded(shown))] if patterns else []
    return shown, tuple(marks)


def _folded(text: str) -> str:
    """The text as the index compares it, character by character: lower case, without accents, of the same length."""
    if text.isascii():
        return text.lower()
    return "".join([_fold(character) for character in text])


@cache
def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character)[0].lower()
    return plain if len(plain) == 1 else character


def _pattern(term: str) -> str:
    """A term as FTS5 takes it: its words in order, whole, with anything but words between them."""
    words = _WORD.findall(term)
    if not words:
        return re.escape(term)
    before = f"(?<!{_PLAIN})" if re.match(_PLAIN, words[0]) else ""
    after = f"(?!{_PLAIN})" if re.match(_PLAIN, words[-1][-1]) and not term.endswith("*") else ""
    return before + r"[\W_]+".join(map(re.escape, words)) + after
