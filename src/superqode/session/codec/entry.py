"""Entries ⇄ files. One JSON file an entry, one field a line; long text beside it as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from superqode.session.codec import jsontext
from superqode.session.codec.layout import INLINE_MAX, PART_MAX, entry_label, side_names
from superqode.session.codec.plain import TEXT_FIELD, plain_entry
from superqode.session.errors import InvalidEntry
from superqode.session.models import Entry, Message, ToolExecution

__all__ = ["decode_entry", "encode_entry", "split_text"]

_MODELS: Final[Mapping[str, type[Message | ToolExecution]]] = {
    "message": Message,
    "call": ToolExecution,
}
# Left out of the file where they are at their default.
_OPTIONAL: Final[Mapping[str, Any]] = {
    "agent_name": None,
    "tool_calls": None,
    "tool_call_id": None,
    "metadata": {},
    "duration_ms": 0,
}


def encode_entry(entry: Entry, digits: str) -> Iterator[tuple[str, bytes]]:
    """Give the files of one entry: name and bytes, the JSON file last."""
    values = entry.to_dict()
    kind = entry.kind
    field = TEXT_FIELD[kind]
    for name, default in _OPTIONAL.items():
        if name in values and values[name] == default:
            del values[name]
    values["kind"] = kind
    stem = f"{digits}-{entry_label(entry)}"
    side = _side_text(values[field])
    if side is not None:
        del values[field]
        values[field + "_bytes"] = len(side)
        parts = list(split_text(side))
        yield from zip(side_names(stem, field, len(parts)), parts, strict=True)
    yield stem + ".json", jsontext.dump_lines(values)


def _side_text(text: str) -> bytes | None:
    """The text as UTF-8 where it stands beside its entry; invalid Unicode stays inside, as JSON escapes."""
    if len(text) * 4 <= INLINE_MAX:
        return None
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return None
    return data if len(data) > INLINE_MAX else None


def split_text(data: bytes) -> Iterator[bytes]:
    """Cut UTF-8 into parts of at most 1 MiB, never inside a character, so that each part reads as text."""
    start = 0
    while len(data) - start > PART_MAX:
        end = start + PART_MAX
        while data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start = end
    yield data[start:]


def decode_entry(data: bytes, label: str, side: bytes | None, *, newer: bool = False) -> Entry:
    """Make an entry from its JSON file and its side text.

    Args:
        data: the JSON file.
        label: the word in its name, a hint which model to try first.
        side: the joined side text, or None.
        newer: the session's format is newer than ours: fields we do not know are left out.

    Raises:
        InvalidEntry: the bytes are no entry.
    """
    if not newer:
        kind = "call" if label == "call" else "message"
        try:
            return _decode_quickly(data, kind, side)
        except (ValidationError, UnicodeDecodeError):
            pass  # lone surrogates, a label that lies, or damage: the slow way tells them apart
    return _decode_slowly(data, side, newer=newer)


def _decode_quickly(data: bytes, kind: str, side: bytes | None) -> Entry:
    model = _MODELS[kind]
    if side is None:
        return model.model_validate_json(data)
    name = TEXT_FIELD[kind]
    told, empty = f'"{name}_bytes": {len(side)}'.encode(), f'"{name}": ""'.encode()
    if data.count(told) != 1 or empty[:-2] in data:
        return _decode_slowly(data, side, newer=False)
    # The text is required: where another object had that length in it, the model misses it and refuses.
    entry = model.model_validate_json(data.replace(told, empty))
    entry.__dict__[name] = side.decode()
    return entry


def _decode_slowly(data: bytes, side: bytes | None, *, newer: bool) -> Entry:
    values = plain_entry(data, side)
    model = _MODELS[values["kind"]]
    if newer:
        values = {name: value for name, value in values.items() if name in model.model_fields}
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidEntry(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from problem
