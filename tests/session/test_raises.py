"""Errors that people meet: each is raised as the table says, and named in the docstring of what raises it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from session.store.test_newer_formats import UNKNOWN, write_newer
from superqode.session import (
    ExportedSession,
    MessageRole,
    Session,
    SessionSharingManager,
    SessionStore,
    ShareConfig,
    errors,
)

# A method, how it is called, and what it raises. `torn` is damaged, `newer` of a newer superqode, `gone` in the trash.
STORE: list[tuple[str, Callable[[SessionStore], object], type[errors.SessionError]]] = [
    *(
        (name, lambda store, name=name, given=given: getattr(store, name)(given), error)
        for given, error in (
            ("..", errors.InvalidSessionId),
            ("nope", errors.SessionNotFound),
            ("torn", errors.CorruptSession),
            ("newer", errors.NewerFormat),
        )
        for name in ("load", "undo", "redo")
    ),
    ("load_latest", lambda store: store.load_latest("/newer"), errors.NewerFormat),
    ("ending", lambda store: store.ending("..", 1), errors.InvalidSessionId),
    ("exists", lambda store: store.exists("superqode"), errors.InvalidSessionId),
    ("exists", lambda store: store.exists("cut"), errors.CorruptSession),
    ("delete", lambda store: store.delete("superqode"), errors.InvalidSessionId),
    ("delete", lambda store: store.delete("cut"), errors.CorruptSession),
    ("history", lambda store: store.history(".."), errors.InvalidSessionId),
    ("history", lambda store: store.history("nope"), errors.SessionNotFound),
    ("history", lambda store: store.history("cut"), errors.CorruptSession),
    ("at", lambda store: store.at("..", "~1"), errors.InvalidSessionId),
    ("at", lambda store: store.at("nope", "~1"), errors.SessionNotFound),
    ("at", lambda store: store.at("a", "~9"), errors.RevisionNotFound),
    ("at", lambda store: store.at("torn", None), errors.CorruptSession),
    ("at", lambda store: store.at("newer", None), errors.NewerFormat),
    ("diff", lambda store: store.diff("..", "a"), errors.InvalidSessionId),
    ("diff", lambda store: store.diff("a", "nope"), errors.SessionNotFound),
    ("diff", lambda store: store.diff("a", a_rev="~9"), errors.RevisionNotFound),
    ("diff", lambda store: store.diff("a", "torn"), errors.CorruptSession),
    ("diff", lambda store: store.diff("a", "newer"), errors.NewerFormat),
    ("fork", lambda store: store.fork(".."), errors.InvalidSessionId),
    ("fork", lambda store: store.fork("a", new_id=".."), errors.InvalidSessionId),
    ("fork", lambda store: store.fork("a", new_id="b"), errors.SessionExists),
    ("fork", lambda store: store.fork("nope"), errors.SessionNotFound),
    ("fork", lambda store: store.fork("a", at="~9"), errors.RevisionNotFound),
    ("fork", lambda store: store.fork("torn"), errors.CorruptSession),
    ("fork", lambda store: store.fork("newer"), errors.NewerFormat),
    ("restore", lambda store: store.restore("..", "~1"), errors.InvalidSessionId),
    ("restore", lambda store: store.restore("nope", "~1"), errors.SessionNotFound),
    ("restore", lambda store: store.restore("a", "~9"), errors.RevisionNotFound),
    ("restore", lambda store: store.restore("torn", "~1"), errors.CorruptSession),
    ("restore", lambda store: store.restore("newer", "~1"), errors.NewerFormat),
    ("undo", lambda store: store.undo("b"), errors.NothingToUndo),
    ("redo", lambda store: store.redo("b"), errors.NothingToRedo),
    ("merge", lambda store: store.merge("..", "a"), errors.InvalidSessionId),
    ("rename", lambda store: store.rename("..", "x"), errors.InvalidSessionId),
    ("rename", lambda store: store.rename("a", ".."), errors.InvalidSessionId),
    ("rename", lambda store: store.rename("nope", "x"), errors.SessionNotFound),
    ("rename", lambda store: store.rename("a", "b"), errors.SessionExists),
    ("rename", lambda store: store.rename("torn", "x"), errors.CorruptSession),
    ("rename", lambda store: store.rename("newer", "x"), errors.NewerFormat),
    ("undelete", lambda store: store.undelete("nope"), errors.SessionNotFound),
    ("undelete", lambda store: store.undelete("go"), errors.AmbiguousId),
    ("undelete", lambda store: store.undelete("gone", new_id=".."), errors.InvalidSessionId),
    ("undelete", lambda store: store.undelete("gone", new_id="a"), errors.SessionExists),
    ("undelete", lambda store: SessionStore(store.path / "x").undelete("a"), errors.SessionNotFound),
    ("verify", lambda store: store.verify([".."]), errors.InvalidSessionId),
    ("verify", lambda store: store.verify(["nope"]), errors.SessionNotFound),
    ("backup", lambda store: SessionStore(store.path / "x").backup(store.path / "b"), errors.StoreNotFound),
    ("backup", lambda store: store.backup(store.path / "no" / "b"), errors.BackupError),
    ("scan", lambda store: store.scan([".."]), errors.InvalidSessionId),
    ("scan", lambda store: store.scan(["cut"]), errors.CorruptSession),
    ("scrub", lambda store: store.scrub("..", secrets=["a secret"]), errors.InvalidSessionId),
    ("original", lambda store: store.original(".."), errors.InvalidSessionId),
    ("reimport", lambda store: store.reimport([".."]), errors.InvalidSessionId),
    ("import_sources", lambda store: store.import_sources([store.path / "no"]), errors.TranscriptError),
    ("SessionStore", lambda store: SessionStore(store.path.parent, create=False), errors.NotAStore),
    ("SessionStore", lambda store: SessionStore(store.path / "x", create=False), errors.StoreNotFound),
    ("SessionStore", lambda store: SessionStore(store.path.parent).save(Session(id="s")), errors.NotAStore),
    ("SessionStore", lambda store: _closed(store).load("a"), errors.StoreClosed),
]
NOWHERE = "0" * 26
SHARING: list[tuple[str, Callable[[SessionSharingManager, str], object], type[errors.SessionError]]] = [
    ("preview", lambda sharing, url: sharing.preview(".."), errors.InvalidSessionId),
    ("create_share", lambda sharing, url: sharing.create_share(".."), errors.InvalidSessionId),
    ("create_share", lambda sharing, url: sharing.create_share("nope"), errors.SessionNotFound),
    ("create_share", lambda sharing, url: _to("no", sharing).create_share("a"), errors.RemoteNotFound),
    ("create_share", lambda sharing, url: _to("-x", sharing).create_share("a"), errors.InvalidRemote),
    ("create_share", lambda sharing, url: sharing.create_share("a", _for_ever()), errors.InvalidShareConfig),
    ("create_share", lambda sharing, url: sharing.create_share("cut"), errors.CorruptSession),
    ("create_share", lambda sharing, url: sharing.create_share("torn", ShareConfig(redact=False)), errors.GitFailed),
    ("update_share", lambda sharing, url: sharing.update_share("x"), errors.InvalidShareToken),
    ("update_share", lambda sharing, url: sharing.update_share(NOWHERE), errors.ShareNotFound),
    (
        "update_share",
        lambda sharing, url: sharing.update_share(url, expires_in=timedelta(0)),
        errors.InvalidShareConfig,
    ),
    ("revoke_share", lambda sharing, url: sharing.revoke_share("x"), errors.InvalidShareToken),
    ("revoke_share", lambda sharing, url: sharing.revoke_share(NOWHERE), errors.ShareNotFound),
    ("push_shares", lambda sharing, url: sharing.push_shares(["x"]), errors.InvalidShareToken),
    ("push_shares", lambda sharing, url: sharing.push_shares([url]), errors.NoDefaultRemote),
    ("push_shares", lambda sharing, url: _to("no", sharing).push_shares([url]), errors.RemoteNotFound),
    ("prune", lambda sharing, url: _to("no", sharing).prune(all_owners=True), errors.RemoteNotFound),
    ("passwords", lambda sharing, url: sharing.passwords("x"), errors.InvalidShareToken),
    ("passwords", lambda sharing, url: sharing.passwords(NOWHERE), errors.ShareNotFound),
    ("add_password", lambda sharing, url: sharing.add_password("x", "a word"), errors.InvalidShareToken),
    ("remove_password", lambda sharing, url: sharing.remove_password("x", 0), errors.InvalidShareToken),
    ("get_share", lambda sharing, url: sharing.get_share("x"), errors.InvalidShareToken),
    ("get_session_for_share", lambda sharing, url: sharing.get_session_for_share("x"), errors.InvalidShareToken),
    ("fork", lambda sharing, url: sharing.fork(_no_fork(sharing)), errors.NotForkable),
    ("list_shares", lambda sharing, url: _to("no", sharing).list_shares(remote=True), errors.RemoteNotFound),
    ("export_session", lambda sharing, url: sharing.export_session(".."), errors.InvalidSessionId),
    ("export_session", lambda sharing, url: sharing.export_session("newer"), errors.NewerFormat),
    (
        "import_session",
        lambda sharing, url: sharing.import_session(ExportedSession.of(Session(id="..", title="T"))),
        errors.InvalidSession,
    ),
]


def _closed(store: SessionStore) -> SessionStore:
    other = SessionStore(store.path)
    other.close()
    return other


def _to(remote: str, sharing: SessionSharingManager) -> SessionSharingManager:
    return SessionSharingManager(sharing._store, remote)


def _no_fork(sharing: SessionSharingManager) -> str:
    return sharing.create_share("a", ShareConfig(allow_fork=False, redact=False)).share_url


def _for_ever() -> ShareConfig:
    return ShareConfig(expires_in=timedelta.max, redact=False)


def _named(home: type, name: str) -> set[str]:
    """What the docstring of a method names, and the docstrings that it points to."""
    told = inspect.getdoc(home if name == home.__name__ else getattr(home, name)) or ""
    others = re.findall(r"\b[Rr]aises as `(\w+)`", told)
    return set(re.findall(r"\w+", told)).union(*(_named(home, other) for other in others))


def _is_named(home: type, name: str, error: type) -> bool:
    return error.__name__ in _named(home, name)


@pytest.fixture
def filled(store: SessionStore, store_path: Path, git) -> Iterator[SessionStore]:
    """Two sound sessions, and one of each kind that makes trouble."""
    for name in ("a", "b", "torn", "newer", "cut", "gone", "gone-too"):
        session = Session(id=name, title=name, project_path=f"/{name}")
        session.add_message(MessageRole.USER, f"for {name}")
        store.save(session)
        if name in ("a", "torn", "newer"):
            session.add_message(MessageRole.ASSISTANT, f"more of {name}")
            store.save(session)
    store.delete("gone")
    store.delete("gone-too")
    store.close()
    write_newer(git, "newer", git("rev-parse", "newer"), place="timeline/0000/00/02-image.json", entry=UNKNOWN)
    oid = git("rev-parse", "torn:timeline/0000/00/00-user.json")
    (store_path / "objects" / oid[:2] / oid[2:]).unlink()
    (store_path / "refs" / "heads" / "cut").write_bytes(b"")
    with SessionStore(store_path) as opened:
        yield opened


def _strange(call: Callable[..., object], error: type[errors.SessionError], *given: object) -> str:
    """What a call did instead of raising an error; empty where it raised it."""
    try:
        return repr(call(*given))
    except error:
        return ""
    except errors.SessionError as problem:
        return repr(problem)


def test_the_store_raises_what_its_docstrings_name(filled: SessionStore) -> None:
    """Each error of the table comes, and whoever reads the docstring was told of it."""
    strange = [(name, error.__name__, _strange(call, error, filled)) for name, call, error in STORE]
    assert [told for told in strange if told[-1]] == []
    assert [(name, error.__name__) for name, _, error in STORE if not _is_named(SessionStore, name, error)] == []


def test_sharing_raises_what_its_docstrings_name(filled: SessionStore) -> None:
    """The same for shares."""
    home, sharing = SessionSharingManager, SessionSharingManager(filled)
    url = sharing.create_share("a", ShareConfig(redact=False)).share_url
    strange = [(name, error.__name__, _strange(call, error, sharing, url)) for name, call, error in SHARING]
    assert [told for told in strange if told[-1]] == []
    assert [(name, error.__name__) for name, _, error in SHARING if not _is_named(home, name, error)] == []


def test_what_a_remote_that_is_not_there_refuses_is_not_kept(filled: SessionStore) -> None:
    """A share for a remote that nobody knows is not made; one for a wrong address is, and waits."""
    sharing = SessionSharingManager(filled)
    with pytest.raises(errors.RemoteNotFound):
        _to("no", sharing).create_share("a", ShareConfig(redact=False))
    assert sharing.list_shares() == []
    with pytest.raises(errors.NoRepository):
        _to(str(filled.path / "nowhere"), sharing).create_share("a", ShareConfig(redact=False))
    assert [share.pending for share in sharing.list_shares()] == [True]
