"""`session.json` ⇄ the fields of a session that are not its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from superqode.session import clock
from superqode.session.codec import jsontext
from superqode.session.errors import InvalidSession
from superqode.session.models import Session
from superqode.session.models.values import JsonObject, Text, UtcTime, same_json

__all__ = ["Meta", "decode_meta", "encode_meta"]

_LISTS: Final = ("files_modified", "files_created", "agents_used", "tags")


class Meta(BaseModel):
    """What `session.json` holds; times aware UTC, paths and names as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Text
    title: Text = ""
    created_at: UtcTime
    project_path: Text = ""
    files_modified: tuple[Text, ...] = ()
    files_created: tuple[Text, ...] = ()
    agents_used: tuple[Text, ...] = ()
    tags: tuple[Text, ...] = ()
    parent_session_id: Text | None = None
    metadata: JsonObject = {}

    def __eq__(self, other: object) -> bool:
        """Whether it is the same `session.json`."""
        return _same(self.__dict__, other.__dict__) if isinstance(other, Meta) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it holds a dictionary

    @classmethod
    def of(cls, session: Session, known: Meta | None = None) -> Meta:
        """Take the fields of a session.

        Args:
            session: the session.
            known: what they may still be, as nearly always: then it is given itself, and nothing is looked at twice.

        Raises:
            InvalidSession: a field holds something that cannot be stored.
        """
        fields = session.__dict__
        values: dict[str, Any] = {name: fields[name] for name in _FIELDS}
        for name in _LISTS:
            values[name] = tuple(values[name])
        if known is not None and _same(values, known.__dict__):
            return known
        try:
            return cls.model_validate(values)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidSession(f"Session {session.id} cannot be stored: {where}: {first['msg']}") from problem


_FIELDS: Final = tuple(Meta.model_fields)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one == other and same_json(one["metadata"], other["metadata"])


def encode_meta(meta: Meta) -> bytes:
    """Give the bytes of `session.json`: keys sorted, indented, a newline at the end."""
    values: dict[str, Any] = dict(meta.__dict__)
    values["created_at"] = clock.format_time(meta.created_at)
    for name in _LISTS:
        values[name] = list(values[name])
    return jsontext.dump_document(values)


def decode_meta(data: bytes, *, newer: bool = False) -> Meta:
    """Read `session.json`; with `newer`, fields we do not know are left out.

    Raises:
        InvalidSession: the bytes are no `session.json`.
    """
    try:
        return Meta.model_validate_json(data)
    except ValidationError:
        pass  # lone surrogates, unknown fields or damage
    try:
        values = jsontext.load(data)
        known = _known(values) if newer and isinstance(values, Mapping) else values
        return Meta.model_validate(known)
    except ValueError as problem:
        raise InvalidSession(f"session.json cannot be read: {str(problem).splitlines()[0]}") from problem


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in Meta.model_fields}
