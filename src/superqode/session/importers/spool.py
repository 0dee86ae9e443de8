"""Parts of a huge source on disk: taken apart once, and read again in whatever order they are needed."""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
import weakref
from array import array
from hashlib import blake2b
from typing import IO, Any, Final, TypeVar, cast

from superqode.session.importers.base import Source
from superqode.session.models import FrozenDict

__all__ = ["BIG", "KeyMap", "KeySet", "Spool", "is_big", "key_of", "with_heavy"]

T = TypeVar("T")

# From this size on a source's parts are kept on disk while it is imported, in bytes; below it they fit into memory.
BIG: Final = 32 * 1024 * 1024
# How much of what was read last is kept, in bytes of it on disk, and in parts.
_KEPT_BYTES: Final = 1024 * 1024
_KEPT: Final = 64
# No spool gets longer than this, in bytes: a file that wants more is damaged or made for harm, not a conversation.
_LONGEST: Final = 16 * 1024**3
_KEY_BYTES: Final = 8
# A text that is shorter than this takes less room where it is, in characters.
_LIGHT: Final = 64
# How many keys there is room for at first; there may be thousands of small sets and maps.
_FEW: Final = 64
# Values that need no room at all.
_EMPTY: Final = (dict, list, FrozenDict)


class Spool:
    """Values in a temporary file without a name; it is gone with the object."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="superqode-")  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._recent: dict[int, Any] = {}

    def put(self, value: Any) -> int:
        """Write a value; gives its place.

        Raises:
            OSError: the disk is full, or the spool has become longer than any transcript needs.
        """
        place = self._end
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        if place + len(data) > _LONGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), "temporary file of an import")
        self._file.seek(place)
        self._file.write(len(data).to_bytes(8, "big"))
        self._file.write(data)
        self._end += 8 + len(data)
        return place

    def get(self, place: int) -> Any:
        """Read the value at a place: an equal one, not the same."""
        if place in self._recent:
            return self._recent[place]
        self._file.seek(place)
        size = int.from_bytes(self._file.read(8), "big")
        value = pickle.loads(self._file.read(size))  # noqa: S301 - nobody else could write there
        if size < _KEPT_BYTES // _KEPT:
            if len(self._recent) >= _KEPT:
                del self._recent[next(iter(self._recent))]
            self._recent[place] = value
        return value


class _Heavy:
    """A field of a class with slots whose long values stand in a spool: a data descriptor over the field's own.

    Args:
        spool: where they are.
        field: the descriptor of the field, of text, lists or dicts. These are set, never changed where they are.
    """

    def __init__(self, spool: Spool, field: Any) -> None:
        self._spool = spool
        self._field = field

    def __get__(self, holder: object, _owner: type | None = None) -> Any:
        value = self._field.__get__(holder)
        if type(value) is not int:
            return value
        return self._spool.get(value) if value >= 0 else _EMPTY[value]()

    def __set__(self, holder: object, value: Any) -> None:
        self._field.__set__(holder, self._kept(value))

    def _kept(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if len(value) < _LIGHT else self._spool.put(value)
        if not value and type(value) in _EMPTY:
            return _EMPTY.index(type(value)) - len(_EMPTY)
        return self._spool.put(value)


class KeySet:
    """A set of keys as `key_of` makes them, in some twenty bytes each: a set of Python's takes four times as much."""

    def __init__(self) -> None:
        self._table = array("q", bytes(8 * _FEW))
        self._count = 0

    def add(self, key: int) -> bool:
        """Add a key; says whether it is new."""
        key = key or 1  # 0 stands for an empty place
        place = _place_in(self._table, key)
        if self._table[place]:
            return False
        self._table[place] = key
        self._count += 1
        if self._count * 3 > len(self._table) * 2:
            self._grow()
        return True

    def __contains__(self, key: int) -> bool:
        return self._table[_place_in(self._table, key or 1)] != 0

    def _grow(self) -> None:
        before, self._table = self._table, array("q", bytes(16 * len(self._table)))
        for key in before:
            if key:
                self._table[_place_in(self._table, key)] = key


class KeyMap:
    """Numbers by texts, of which only the keys are kept (see `key_of`): some twenty bytes each."""

    def __init__(self) -> None:
        self._keys = array("q", bytes(8 * _FEW))
        self._numbers = array("i", bytes(4 * _FEW))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def copy(self) -> KeyMap:
        """Give another map with the same in it."""
        other = KeyMap()
        other._keys, other._numbers, other._count = self._keys[:], self._numbers[:], self._count
        return other

    def __contains__(self, text: str) -> bool:
        return self._keys[_place_in(self._keys, key_of(text) or 1)] != 0

    def get(self, text: str) -> int | None:
        """Give the number of a text; None where it has none."""
        place = _place_in(self._keys, key_of(text) or 1)
        return self._numbers[place] if self._keys[place] else None

    def __setitem__(self, text: str, number: int) -> None:
        key = key_of(text) or 1  # 0 stands for an empty place
        place = _place_in(self._keys, key)
        self._numbers[place] = number
        if self._keys[place]:
            return
        self._keys[place] = key
        self._count += 1
        if self._count * 3 > len(self._keys) * 2:
            self._grow()

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._keys, self._numbers = array("q", bytes(16 * len(keys))), array("i", bytes(8 * len(keys)))
        for key, number in zip(keys, numbers, strict=True):
            if key:
                place = _place_in(self._keys, key)
                self._keys[place], self._numbers[place] = key, number


def _place_in(table: array[int], key: int) -> int:
    """Where a key stands in a table, or would: the first place from its own on that is its own or empty."""
    last = len(table) - 1
    place = key & last
    while table[place] not in (0, key):
        place = (place + 1) & last
    return place


def with_heavy(kind: type[T], spool: Spool, *names: str) -> type[T]:
    """Give a class like another one with slots, which keeps what is long in these fields in a spool."""
    fields = {name: _Heavy(spool, getattr(kind, name)) for name in names}
    return cast("type[T]", type(kind.__name__, (kind,), {"__slots__": (), **fields}))


def is_big(source: Source) -> bool:
    """Whether a source's parts should not all be held in memory, as far as is known before it was read.

    Raises:
        OSError: it cannot be read.
    """
    with source.open() as stream:
        return not stream.seekable() or stream.seek(0, 2) >= BIG


def key_of(text: str) -> int:
    """A number for a text that another one has once in 10^19 times; where millions of texts would not fit."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True)
