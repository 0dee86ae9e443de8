"""Folders that agents leave, as sources of one run; and sources made of bytes."""

from __future__ import annotations

import io
from pathlib import Path

from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, sources_of

# What stands beside a recorded session and was not written by its agent.
OURS = ("expected.json", "driver.json", "project.diff", "stdout.txt", "session-list.txt")


def opener(path):
    """Give what opens a file, or the one with an ending behind its name."""
    return lambda ending: Path(f"{path}{ending}").open("rb")


def at(folder, skip=()):
    """Give every file below a folder as the sources of one run; a database's other files are found beside it."""
    return sources_of(
        {
            path.relative_to(folder).as_posix(): opener(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in (*OURS, *skip) and not path.name.endswith(("-wal", "-shm"))
        }
    )


def of(files):
    """Give sources made of bytes, by name; `name-wal` is what stands beside `name`."""

    def open_one(name):
        def open_it(ending):
            if name + ending not in files:
                raise FileNotFoundError(name + ending)
            return io.BytesIO(files[name + ending])

        return open_it

    return sources_of({name: open_one(name) for name in files if not name.endswith("-wal")})


def one(data, name="file"):
    """Give bytes as the only source of a run."""
    return of({name: data})[0]


def run(importer, sources):
    """Import every source the importer recognises; gives the imported sessions and the errors."""
    results = [
        result for source in sources if importer.recognises(source, source.head()) for result in importer.read(source)
    ]
    for result in results:
        check(result)
    return (
        [result for result in results if isinstance(result, Imported)],
        [result for result in results if isinstance(result, TranscriptError)],
    )


def only(importer, sources):
    """Import what holds one session; gives it with its receipt."""
    (found,), errors = run(importer, sources)
    assert errors == []
    return found


def check(result):
    """Check what holds for every result: only our errors, safe ids, receipts that add up, ids that differ."""
    if isinstance(result, TranscriptError):
        return
    receipt = result.receipt
    assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
    assert result.session.metadata["imported"]["receipt"] == receipt.to_dict()
    assert is_session_id(result.session.id)
    assert result.session.parent_session_id is None or is_session_id(result.session.parent_session_id)
    ids = [entry.id for entry in result.session.timeline]
    assert len(set(ids)) == len(ids)


def said(session):
    """Give who said what."""
    return [(message.role.value, message.content) for message in session.messages]


def ids(session):
    """Give the ids of the timeline."""
    return [entry.id for entry in session.timeline]
