"""Marks of scrubs, `refs/superqode/scrubbed/<session-id>/<time>`: which commits and tags stand for which old ones now.

A mark names objects by their ids and holds nothing of the session. Whoever still has old ones (another machine, a
clone, a backup) can so put the new ones in their place: `replanting` does. codec/FORMAT.md has every byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, Final

from superqode.session import clock
from superqode.session.codec import jsontext
from superqode.session.errors import CorruptSession, NewerFormat
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.store.trash import TIME_FORMAT

__all__ = ["SCRUBBED", "Replaced", "encode_mark", "mark_scrubbed", "read_mark"]

SCRUBBED: Final = "refs/superqode/scrubbed/"

_FORMAT: Final = "superqode-scrubbed"
_VERSION: Final = 1
_SIZE_MAX: Final = 256 * 1024**2
_ID: Final = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a scrub replaced, old ids to new ones.

    Attributes:
        commits: commits.
        tags: annotated tags.
    """

    commits: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.commits or self.tags)


def encode_mark(replaced: Replaced) -> bytes:
    """Give the bytes of a mark; the same for the same."""
    return jsontext.dump_document(
        {
            "commits": dict(replaced.commits),
            "format": _FORMAT,
            "tags": dict(replaced.tags),
            "version": _VERSION,
        }
    )


def mark_scrubbed(repository: Repository, session_id: str, replaced: Replaced) -> str:
    """Note what a scrub replaces, durably, before refs move; the caller holds the session's lock. Gives the ref.

    Nothing is noted, and the name is empty, where nothing is replaced.
    """
    if not replaced:
        return ""
    blob = repository.objects.write("blob", encode_mark(replaced))
    repository.flush()
    moment = clock.now().astimezone(UTC)
    while repository.refs.read(name := f"{SCRUBBED}{session_id}/{moment.strftime(TIME_FORMAT)}") is not None:
        moment += timedelta(microseconds=1)  # a clock that is coarse, or was set back
    repository.refs.update(name, blob, None, ident=repository.committer(), reason="scrubbed")
    repository.flush([str(repository.path / name)])
    return name


def read_mark(objects: Objects, oid: str, name: str) -> Replaced:
    """Read a mark.

    Args:
        objects: where it is.
        oid: its blob.
        name: its ref, for errors.

    Raises:
        CorruptObject: the blob is damaged, or not there.
        CorruptSession: it is no mark.
        NewerFormat: a newer superqode wrote it.
    """
    data = objects.blob(oid)
    try:
        return _read(data, name)
    except NewerFormat:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        session_id = name.removeprefix(SCRUBBED).rpartition("/")[0]
        raise CorruptSession(session_id, f"{name} is no mark of a scrub") from problem


def _read(data: bytes, name: str) -> Replaced:
    told = jsontext.load(data[:_SIZE_MAX])
    version = told["version"]
    if told["format"] != _FORMAT or type(version) is not int or version < 1:
        raise ValueError("another format")
    if version > _VERSION:
        raise NewerFormat(name, str(version), _VERSION)
    return Replaced(_ids(told["commits"]), _ids(told["tags"]))


def _ids(told: Mapping[str, Any]) -> dict[str, str]:
    for old, new in told.items():
        if not (_ID.fullmatch(old) and _ID.fullmatch(new)) or old == new:
            raise ValueError("what is no id")
    return dict(told)
