"""What a listing gives for each session.

A named tuple, where the other results are dataclasses: to load `dataclasses` and to make one of them takes a sixth of
a process that lists.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, get_type_hints

from superqode.session.store.results.record import Record, plain

__all__ = ["SessionSummary"]


class _Fields(NamedTuple):
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    project_path: str
    message_count: int
    execution_count: int
    agents_used: tuple[str, ...]
    tags: tuple[str, ...]
    parent_session_id: str | None
    tip: str
    problem: str = ""


class SessionSummary(Record, _Fields):  # type: ignore[misc]  # a field is asked for by its name, and never by its place
    """One line of a listing."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the value as plain JSON values."""
        return {name: plain(value) for name, value in self._asdict().items()}

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        """Tell pydantic, for a JSON Schema, that it is an object with these fields, as `to_dict` gives it."""
        from dataclasses import make_dataclass

        shape = make_dataclass(cls.__name__, get_type_hints(_Fields).items(), namespace={"__doc__": cls.__doc__})
        return handler.generate_schema(shape)
