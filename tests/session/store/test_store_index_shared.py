"""An index that several processes share: what one of them saw too early spoils nothing for the others."""

from __future__ import annotations

from superqode.session import Session, SessionStore
from superqode.session.store.index import catalogue


def test_what_another_process_took_out_is_put_in_again(store, git):
    """A process that looked while a session was in the trash writes so later; who knew the session lists it again."""
    store.save(Session(id="s"))
    git("pack-refs", "--all")
    store.list_sessions()
    with SessionStore(store.path) as other:
        other._index(other._open()).forget("s")  # as a look of a moment ago has it
        assert [row.id for row in store.list_sessions()] == ["s"]
        assert [row.id for row in other.list_sessions()] == ["s"]


def test_a_look_that_others_overtook_begins_anew(store, monkeypatch):
    """What another process writes between our looking and our writing is not undone by ours."""
    store.save(Session(id="s"))
    store.list_sessions()
    store.save(Session(id="t"))
    real = catalogue.scan
    turns: list[int] = []

    def scan(*arguments, **options):
        changes = real(*arguments, **options)
        turns.append(1)
        if len(turns) == 1:  # the world goes on after our look
            with SessionStore(store.path) as other:
                other.delete("s")
                other.purge("s")
                other.list_sessions()
        return changes

    monkeypatch.setattr(catalogue, "scan", scan)
    assert [row.id for row in store.list_sessions()] == ["t"]
    monkeypatch.undo()
    assert [row.id for row in store.list_sessions()] == ["t"]
    assert store.trash() == []
