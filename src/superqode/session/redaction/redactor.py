"""Masking secrets in texts, JSON values and entries."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar, overload

from superqode.session.models import Entry, Message, ToolExecution
from superqode.session.redaction import marks
from superqode.session.redaction.finding import PASSES, RULES, Found, search, with_marks
from superqode.session.redaction.literals import RULE as SCRUBBED
from superqode.session.redaction.literals import Literals
from superqode.session.redaction.written import Written, rebuilt

__all__ = ["Masked", "Redacted", "Redactor"]

T = TypeVar("T")
_FINGERPRINT: Final = b"superqode-redaction fingerprint\0"
_MESSAGE_FIELDS: Final = ("content", "agent_name", "tool_calls", "metadata")
_EXECUTION_FIELDS: Final = ("arguments", "result", "agent_name", "metadata")


class Masked(NamedTuple):
    """One secret that was masked.

    Attributes:
        rule: what found it: `[a-z0-9-]+`.
        mark: 8 characters of Crockford's base32; equal for equal secrets under one key.
        start, end: its place in the original text, in characters; in values and entries: in the string that held it.
    """

    rule: str
    mark: str
    start: int
    end: int


class Redacted(NamedTuple, Generic[T]):
    """What came of a redaction.

    Attributes:
        value: without secrets; the very object that was given where there were none.
        masked: what was taken out, in order.
    """

    value: T
    masked: tuple[Masked, ...]


class Redactor:
    """Replaces secrets by `[REDACTED:<rule>:<mark>]`, and leaves everything else as it is.

    What was redacted stays the same when it is redacted again, whatever stands around it by then.

    Args:
        key: the key of the marks. Equal secrets have equal marks under one key, and say nothing without it.
        literals: exact strings to take out, with the rule `scrubbed`, wherever they stand.
        detect: whether to look for anything but them.
        only: of what is detected, only what these rules found or has these marks; all of it where none is named.
        rules_cache: a folder, private to this user, where the detector library may keep its compiled rules: it then
            loads in a quarter of a second instead of three. `None` writes nothing anywhere.
    """

    def __init__(
        self,
        key: bytes,
        *,
        literals: Sequence[str] = (),
        detect: bool = True,
        only: Sequence[str] = (),
        rules_cache: Path | None = None,
    ) -> None:
        self._key = key
        self._literals = Literals(literals)
        self._detect = detect
        self._only = frozenset(only)
        self._rules_cache = rules_cache
        told = json.dumps([RULES, detect, sorted(set(literals)), sorted(self._only)]).encode("ascii")
        self._fingerprint = hmac.new(hashlib.sha256(_FINGERPRINT + key).digest(), told, "sha256").hexdigest()[:32]

    @property
    def fingerprint(self) -> str:
        """Names everything a verdict depends on, for caches: rules, key, literals. It reveals neither of the latter."""
        return self._fingerprint

    def text(self, text: str) -> Redacted[str]:
        """Mask the secrets in a text."""
        found = self._search(text)
        if not found:
            return Redacted(text, ())
        masked = tuple(self._masked(text, found))
        return Redacted(_replaced(text, masked), masked)

    def value(self, value: T) -> Redacted[T]:
        """Mask the secrets in all strings of a JSON value, keys too.

        A key and its text are read together: `{"password": "hunter2!x"}` is an assignment. So are a list's neighbours.

        Raises:
            InvalidEntry: the value is nested deeper than entries may be.
        """
        if isinstance(value, str):
            return self.text(value)  # type: ignore[return-value]  # what goes in as text comes out as text
        strings, found = self._search_value(value)
        if not found:
            return Redacted(value, ())
        masked = {number: tuple(self._masked(strings[number], places)) for number, places in sorted(found.items())}
        changed = {number: _replaced(strings[number], here) for number, here in masked.items()}
        return Redacted(rebuilt(value, changed), tuple(one for here in masked.values() for one in here))

    def _search_value(self, value: Any) -> tuple[list[str], dict[int, list[Found]]]:
        """Give a value's strings, and what was found in each, until nothing is left to find."""
        written = Written(value)
        strings = written.strings
        found: dict[int, list[Found]] = {}
        for _ in range(PASSES):
            pieces = written.pieces(self._search(written.text))
            if not pieces:
                break
            for number, new in pieces.items():
                found[number] = with_marks(strings[number], found.get(number, [])).add(new)
            marked = {number: with_marks(strings[number], places).text for number, places in found.items()}
            written = Written(value, marked)
        return strings, found

    @overload
    def entry(self, entry: Message) -> Redacted[Message]: ...
    @overload
    def entry(self, entry: ToolExecution) -> Redacted[ToolExecution]: ...
    @overload
    def entry(self, entry: Entry) -> Redacted[Entry]: ...
    def entry(self, entry: Entry) -> Redacted[Any]:
        """Mask the secrets in everything an entry says; its ids, role, times and the tool's name stay."""
        names = _MESSAGE_FIELDS if isinstance(entry, Message) else _EXECUTION_FIELDS
        given = {name: value for name in names if (value := getattr(entry, name))}
        told: dict[str, Any] = {}
        masked: tuple[Masked, ...] = ()
        for name, value in given.items():  # one by one: a secret that is called like a field changes no field's name
            told[name], found = self.value(value)
            masked += found
        if not masked:
            return Redacted(entry, ())
        changes: dict[str, Any] = {name: value for name, value in told.items() if value is not given[name]}
        return Redacted(entry.model_copy(update=changes), masked)

    def _search(self, text: str) -> list[Found]:
        found = search(text, self._literals, detect=self._detect, rules_cache=self._rules_cache)
        return [item for item in found if self._is_wanted(text, *item)] if self._only else found

    def _is_wanted(self, text: str, start: int, end: int, rule: str) -> bool:
        return rule == SCRUBBED or rule in self._only or marks.mark_of(self._key, text[start:end]) in self._only

    def _masked(self, text: str, found: Sequence[Found]) -> Iterator[Masked]:
        for start, end, rule in found:
            secret = self._literals.meaning(text[start:end])
            yield Masked(rule, marks.mark_of(self._key, secret), start, end)


def _replaced(text: str, masked: Sequence[Masked]) -> str:
    parts: list[str] = []
    last = 0
    for rule, mark, start, end in masked:
        parts += (text[last:start], marks.make(rule, mark))
        last = end
    parts.append(text[last:])
    return "".join(parts)
