"""An imported session as the store keeps it: saved as it happened, and brought up to what its source says by now.

What people did to it since (title, tags, own messages) stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

from superqode.session import ids
from superqode.session.models import Entry, Session, Step, thaw
from superqode.session.store.appending import GROWING, Pace
from superqode.session.store.growing import lined_up
from superqode.session.store.merge import merge_list

if TYPE_CHECKING:
    from superqode.session.store.operations.recording import Recorded
    from superqode.session.store.store import SessionStore

__all__ = ["same_source", "save_more", "save_with_snapshots"]

Save: TypeAlias = Callable[[Session], object]


def save_with_snapshots(store: SessionStore, session: Session) -> None:
    """Save an import that brings snapshots as it would have been saved while it happened."""
    part = session.model_copy(update={name: [] for name in (*GROWING, "snapshots")})
    part._set_order(())
    part._steps.clear()
    part.updated_at = session.created_at
    snapshots = [step for step in session._steps if step.kind == "snapshot"]
    due = {len(step.state.entries): step for step in snapshots if _is_prefix(step, session)}
    _grow(store.save, part, session.timeline, due)
    for step in snapshots:
        if step.snapshot is not None and step.snapshot not in part.snapshots:
            part._take_snapshot(step.snapshot)
    _finish(store.save, part, session)


def _is_prefix(step: Step, session: Session) -> bool:
    entries = step.state.entries
    return tuple(session.timeline[: len(entries)]) == entries


def _grow(save: Save, session: Session, entries: Sequence[Entry], due: Mapping[int, Step]) -> None:
    """Add entries, with a save before and after each prompt, so that history reads and undo steps as in life."""
    pace = Pace()
    for number, entry in enumerate(entries):
        if pace.save_before(entry):
            save(session)
        session.add(entry)
        step = due.get(number + 1)
        if step is not None and step.snapshot is not None:
            session._take_snapshot(step.snapshot)


def _finish(save: Save, part: Session, whole: Session) -> None:
    """The last save of an import: what the source says as a whole."""
    for name in GROWING:
        getattr(part, name)[:] = getattr(whole, name)
    part.updated_at = whole.updated_at
    save(part)


def _imported(metadata: Mapping[str, Any]) -> dict[str, Any]:
    told = metadata.get("imported")
    return told if isinstance(told, dict) else {}


def same_source(stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> bool:
    """Whether two sessions' metadata name the same bytes, read by the same importer."""
    old, new = _imported(stored), _imported(fresh)
    keys = ("source_sha256", "importer_version", "format")
    return bool(old) and all(old.get(key) == new.get(key) for key in keys)


def save_more(
    store: SessionStore, stored: Session, fresh: Session, *, again: bool = False, dry_run: bool = False
) -> bool:
    """Add what a newer import brings to the stored session; people's own changes stay. Says whether it brought any.

    Args:
        store: the `SessionStore`.
        stored: the session as it is.
        fresh: what the importer makes of it now.
        again: the same bytes are mapped anew: entries stand where the importer puts them, in one save, and what it says
            of the session as a whole counts as well.
        dry_run: only tell; with `again`.

    Raises:
        SessionError: as `save`.
    """
    if not fresh.timeline and stored.timeline:
        return False  # an export without history takes nothing back
    repository = store._existing(stored.id)
    operations: list[Recorded] = []
    with ExitStack() as stack:

        def replacing(verb: str) -> None:
            operations.append(stack.enter_context(store._recorded(repository, verb, stored.id)))

        def save(session: Session) -> None:
            result = store.save(session)
            for recorded in operations:
                recorded.saved(repository, result)

        return _save_more(save, stored, fresh, replacing, again=again, dry_run=dry_run)


def _save_more(
    save: Save,
    stored: Session,
    fresh: Session,
    replacing: Callable[[str], None],
    *,
    again: bool,
    dry_run: bool,
) -> bool:
    before = stored.to_dict()
    kept, news = _kept_and_new(stored, fresh)
    # What only adds to a session is a save like any other; what takes from it can be taken back.
    if not again and not dry_run and kept != stored._order():
        replacing("import")
    if again:
        same = {entry.id: entry for entry in kept}
        kept = lined_up(kept, [same.get(entry.id, entry) for entry in fresh.timeline])
    stored._set_order(kept)
    if stored.title == _imported(stored.metadata).get("title"):
        stored.title = fresh.title
    whole = stored.model_copy()
    for name in (*GROWING, "tags"):
        setattr(whole, name, merge_list((), getattr(fresh, name), getattr(stored, name)))
    whole.files_modified = [path for path in whole.files_modified if path not in whole.files_created]
    whole.updated_at = max(stored.updated_at, fresh.updated_at)
    if again:
        stored.metadata = stored.metadata | _about(fresh)
        stored.parent_session_id = stored.parent_session_id or fresh.parent_session_id
        stored.project_path = stored.project_path or fresh.project_path
    else:
        _grow(save, stored, news, {})
    stored.tags = whole.tags
    for name in GROWING:
        setattr(stored, name, getattr(whole, name))
    _take_new_snapshots(stored, fresh)
    if stored.to_dict() | {"updated_at": ""} == before | {"updated_at": ""}:
        return False  # the same conversation from another file: not worth a commit
    stored.metadata = stored.metadata | _about(fresh) | {"imported": thaw(_imported(fresh.metadata))}
    if not dry_run:
        if again:
            replacing("reimport")
        _finish(save, stored, whole)
    return True


def _take_new_snapshots(stored: Session, fresh: Session) -> None:
    known = {snapshot.id for snapshot in stored.snapshots}
    for step in fresh._steps:
        if step.kind == "snapshot" and step.snapshot is not None and step.snapshot.id not in known:
            stored._take_snapshot(step.snapshot)


def _kept_and_new(stored: Session, fresh: Session) -> tuple[list[Entry], list[Entry]]:
    """The stored entries that stay, as they are now, and those that are not stored yet."""
    news = {entry.id: entry for entry in fresh.timeline}
    kept: list[Entry] = []
    for entry in stored.timeline:
        # What is newer than all that this source tells stays: it is an older copy, or the beginning of a longer one.
        stays = entry.id in news or ids.is_own_entry_id(entry.id) or entry.timestamp > fresh.updated_at
        if not stays:
            continue  # the agent rewound past it; the history has it
        newer = news.pop(entry.id, entry)
        kept.append(entry if newer == entry else newer)  # the same object again costs the save nothing
    return kept, list(news.values())


def _about(fresh: Session) -> dict[str, Any]:
    """What an importer says of a session besides where it came from."""
    return {name: thaw(told) for name, told in fresh.metadata.items() if name != "imported"}
