"""opencode: an export with ids of its own, which `opencode import` puts into the database under the project at hand.

Tried with 1.18.33: importing again adds what is new and leaves what is there; a message of the future keeps a session
from going on; so does a last prompt whose model is not set up here, whatever the answers name.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import IO, Final

from superqode.session.handoff.base import Opener, Place, PlannedFile, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.neutral import Prompt, Turn
from superqode.session.handoff.opencode import ids
from superqode.session.handoff.opencode.carrying import carried
from superqode.session.handoff.opencode.stored import FOREIGN, export_of, look
from superqode.session.handoff.opencode.turns import Moments, answer, note, prompt
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.planning import Planner, Record
from superqode.session.handoff.script import Script, write_document
from superqode.session.importers.base import Source
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.lines import parse_json
from superqode.session.models import Session

__all__ = ["OpencodeWriter"]

_DATABASE: Final = "opencode.db"
_LOG: Final = "-wal"
# The file for `opencode import`; a session's own name is only for telling sessions apart.
_EXPORT: Final = "export.json"
# What opencode offers to everybody, for where nothing tells which models are set up.
_FALLBACK: Final = "opencode/big-pickle"


class OpencodeWriter(Planner):
    """Writes sessions for opencode."""

    name = "opencode"
    format = "opencode"
    home = HOMES["opencode"]
    looks_at = (_DATABASE, f"{_DATABASE}{_LOG}")

    def arranged(self, session: Session, place: Place, original: Source | None) -> tuple[Place, Source | None]:
        """Sessions in the database count as files of the folder, each an export; so does what is kept of an import."""
        own = text_at(mapping_at(session.metadata, "imported"), "source_session_id")
        kept = look(_database(place), own, self._ids(session, place))
        files: dict[str, Opener] = {_path(name): partial(io.BytesIO, data) for name, data in kept.exports.items()}
        model = place.model or kept.model or _own_model(session) or _FALLBACK
        if original is not None:
            original = Source(_path(own), partial(io.BytesIO, export_of(original, own)))
        return replace(place, home=files, model=model), original

    def new_path(self, session_id: str, place: Place) -> str:
        """It has no file of its own; this is what stands for it among the folder's."""
        del place
        return _path(session_id)

    def find(self, session_id: str, place: Place) -> str:
        """A session is found by its id, whatever the project."""
        path = _path(session_id)
        return path if path in place.home else ""

    def native_id(self, made: str, session: Session) -> str:
        """Make an id as opencode's are, with the time the session began."""
        return ids.session_id(max(int(session.created_at.timestamp() * 1000), 0), made)

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`opencode --session`."""
        return ("opencode", "--session", session_id), ("opencode", "run", "--session", session_id)

    def prepare(self, files: tuple[PlannedFile, ...]) -> tuple[tuple[str, ...], ...]:
        """`opencode import`, in the project: that is what it belongs to then."""
        return tuple(("opencode", "import", f"<{file.path}>") for file in files)

    def begin(self, script: Script) -> Iterator[Record]:
        """The session's record; the project and its folder are told anew by the import."""
        now = int(script.now.timestamp() * 1000)
        yield {
            "info": {
                "id": script.session_id,
                "slug": "handed-over",
                "projectID": "global",
                "directory": script.project,
                "title": script.title or "Handed over",
                "version": "0.0.0",
                "time": {"created": now, "updated": now},
            }
        }

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """A message for each prompt and each answer; results stand with their calls."""
        moments = Moments(script, len(turns))
        for turn in turns:
            yield prompt(turn, script, moments) if isinstance(turn, Prompt) else answer(turn, script, moments)

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """The next message is later than the last one; answers name the prompt before them."""
        for record in records:
            note(record, script)

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """All messages under ids of their own, with what only the other machine knows left out."""
        return carried(list(records), script, paths, receipt)

    def read(self, data: bytes, name: str) -> Iterator[Record]:
        """Give the session's record, and each message."""
        del name
        try:
            export = parse_json(data.decode("utf-8", "replace"))
        except ValueError:
            return
        if isinstance(export, dict):
            yield {"info": mapping_at(export, "info")}
            yield from objects_at(export, "messages")

    def write(self, records: Iterable[Record], script: Script, receipt: Receipt) -> bytes:
        """Write an export; where only messages are new it says whose they are."""
        receipt.notes.append(f"It goes on with the model {script.model}; another can be named with -m.")
        listed = list(records)
        first = listed.pop(0) if listed and "parts" not in listed[0] else next(self.begin(script))
        info = first["info"]
        if listed:  # messages that are older than their session are a fork's
            info = {**info, "time": {**info["time"], "created": listed[0]["info"]["time"]["created"]}}
        return write_document({"info": info, "messages": listed}, receipt)

    def files(self, path: str, content: bytes, present: bytes) -> tuple[tuple[PlannedFile, ...], bytes]:
        """Give the file to be imported; what is there then only opencode knows."""
        del path, present
        return (PlannedFile(_EXPORT, content, scratch=True),), content


def _path(session_id: str) -> str:
    return f"{session_id}.json"


def _database(place: Place) -> Source:
    """The database as a source, with its log."""

    def beside(ending: str) -> IO[bytes]:
        if (opener := place.home.get(f"{_DATABASE}{ending}")) is None:
            raise FileNotFoundError(ending)
        return opener()

    return Source(_DATABASE, partial(beside, ""), beside=beside)


def _own_model(session: Session) -> str:
    """The model that opencode itself told of, as `provider/model`."""
    if mapping_at(session.metadata, "imported").get("format") != OpencodeWriter.format:
        return ""
    models = (text_at(message.metadata, "model") for message in reversed(session.messages))
    return next((model for model in models if "/" in model and not model.startswith(f"{FOREIGN}/")), "")
