"""Values a session is made of: frozen JSON, text as it came, aware UTC times.

JSON values are `FrozenDict` and `FrozenList`: subclasses of `dict` and `list` that equal plain ones, work with
`json`, `pickle` and `copy`, and refuse to be changed, so that what was saved and what is in memory stay the same.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, cast

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from superqode.session.errors import InvalidEntry

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FrozenDict",
    "FrozenList",
    "JsonArray",
    "JsonObject",
    "Text",
    "UtcTime",
    "freeze",
    "normal_text",
    "same_json",
    "thaw",
    "to_utc",
]

# Python's own JSON decoder recurses; deeper values than this are nobody's arguments but an attack's.
MAX_DEPTH: Final = 200
# CPython refuses to turn longer integers into text (sys.set_int_max_str_digits).
_MAX_INT: Final = 10**4300

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class FrozenDict(dict[str, Any]):
    """A JSON object that refuses to change; `dict(value)` or `value.copy()` give one that does."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("stored values do not change: make a copy with dict(value) and store that")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, _memo: object) -> FrozenDict:
        return self


class FrozenList(list[Any]):
    """A JSON array that refuses to change; `list(value)` gives one that does."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("stored values do not change: make a copy with list(value) and store that")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)

    def __copy__(self) -> FrozenList:
        return self

    def __deepcopy__(self, _memo: object) -> FrozenList:
        return self


def freeze(value: Any, depth: int = 0) -> Any:
    """Give a frozen equal of a JSON value.

    Raises:
        InvalidEntry: a value that JSON does not have (NaN, infinities, other types, keys that are not text),
            or more than 200 levels.
    """
    kind = type(value)
    if kind is str:
        return normal_text(value)
    if value is None or kind is bool:
        return value
    if depth >= MAX_DEPTH:
        raise InvalidEntry(f"A JSON value has more than {MAX_DEPTH} levels. Flatten it, or store it as text")
    if isinstance(value, dict):
        frozen = FrozenDict({_key(key): freeze(item, depth + 1) for key, item in value.items()})
        if len(frozen) != len(value):
            raise InvalidEntry("Two keys of a JSON object are the same text, once joined. Give each a text of its own")
        return frozen
    if isinstance(value, list | tuple):
        return FrozenList([freeze(item, depth + 1) for item in value])
    return _freeze_scalar(value)


def _freeze_read(value: Any) -> Any:
    """As `freeze`, for what pydantic read from JSON: text is valid, depth is bounded, only numbers need a look."""
    kind = type(value)
    if kind is dict:
        return FrozenDict({key: item if type(item) is str else _freeze_read(item) for key, item in value.items()})
    if kind is list:
        return FrozenList([_freeze_read(item) for item in value])
    return _freeze_scalar(value) if kind is float or kind is int else value


def _freeze_scalar(value: Any) -> Any:
    if isinstance(value, str):  # an enum or another subclass: keep its text only
        return normal_text(str.__str__(value))
    if isinstance(value, int):
        if not -_MAX_INT < value < _MAX_INT:
            raise InvalidEntry("An integer has more than 4,300 digits. Store it as text")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidEntry(f"{value!r} is no JSON value. Store None, or text")
        return float(value)
    raise InvalidEntry(f"A {type(value).__name__} is no JSON value. Turn it into text, numbers, lists and dicts first")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidEntry(f"The key {key!r} is not text, and JSON objects have only text keys")
    return normal_text(str.__str__(key))


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: Python takes `1`, `1.0` and `True` for equal, and `0.0` and `-0.0`."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_json(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same_json, one, other))
    return type(one) is type(other) and (repr(one) == repr(other) if isinstance(one, float) else bool(one == other))


def thaw(value: Any) -> Any:
    """Give a plain copy of a JSON value that can be changed."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


def normal_text(text: str) -> str:
    """Join surrogate pairs, which JSON cannot tell from the character they stand for; lone ones stay."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def to_utc(moment: datetime) -> datetime:
    """Give an aware UTC time; a naive one is local time, as the store of superqode 2.25 wrote it.

    Raises:
        InvalidEntry: a time so far off that it has no UTC.
    """
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError) as problem:
        raise InvalidEntry(f"The time {moment.isoformat()} cannot be told in UTC: {problem}") from problem


class _JsonOrPython:
    """A pydantic type that is one schema when read from JSON and one function when given in Python.

    pydantic's own `str` and `dict` refuse lone surrogates in Python values, which transcripts do hold.
    """

    def __init__(self, json_schema: CoreSchema, check: Callable[[Any], Any], *, freeze_json: bool = False) -> None:
        self._json = json_schema
        self._check = check
        self._freeze_json = freeze_json

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from_json = (
            core_schema.no_info_after_validator_function(_freeze_read, self._json) if self._freeze_json else self._json
        )
        return core_schema.json_or_python_schema(
            json_schema=from_json,
            python_schema=core_schema.no_info_plain_validator_function(self._check),
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(self._json)


# pydantic turns ValueErrors, not TypeErrors, into messages that name the field.
def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, and is a {type(value).__name__}")  # noqa: TRY004 - pydantic takes a ValueError alone for one of its own
    return normal_text(str.__str__(value))


def _check_object(value: Any) -> FrozenDict:
    if not isinstance(value, dict):
        raise ValueError(f"must be a dict, and is a {type(value).__name__}")  # noqa: TRY004 - pydantic takes a ValueError alone for one of its own
    return cast("FrozenDict", freeze(value))


def _check_array(value: Any) -> FrozenList:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list, and is a {type(value).__name__}")  # noqa: TRY004 - pydantic takes a ValueError alone for one of its own
    return cast("FrozenList", freeze(value))


_ANY: Final = core_schema.any_schema()

Text = Annotated[str, _JsonOrPython(core_schema.str_schema(), _check_text)]
UtcTime = Annotated[datetime, AfterValidator(to_utc)]
JsonObject = Annotated[
    dict[str, Any],
    _JsonOrPython(core_schema.dict_schema(core_schema.str_schema(), _ANY), _check_object, freeze_json=True),
]
JsonArray = Annotated[
    list[Any],
    _JsonOrPython(core_schema.list_schema(_ANY), _check_array, freeze_json=True),
]
