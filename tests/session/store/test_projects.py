"""Sessions of one project are found together: under its old path, from a second clone, from a colleague's machine."""

import subprocess

import pytest

from superqode.session import Session, SessionStore

ROOT = "a" * 40


def git(folder, *arguments):
    ident = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"]
    subprocess.run(["git", *ident, "-C", str(folder), *arguments], capture_output=True, check=True)


@pytest.fixture
def app(tmp_path):
    """A project with a commit and an origin."""
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", "https://example.org/team/app")
    return folder


def _saved(store, name, path, **note):
    session = Session(id=name, title=name, project_path=str(path), metadata={"project": note} if note else {})
    session.add_message("user", "hello from " + name)
    store.save(session)
    return session


def _found(store, path):
    return {summary.id for summary in store.list_sessions(project_path=path)}


def test_a_renamed_project_keeps_its_sessions(store, app, tmp_path):
    """By its new path and by the old one: list, search and the latest."""
    _saved(store, "before", app)
    moved = app.rename(tmp_path / "renamed")
    _saved(store, "after", moved)
    for path in (moved, app):
        assert _found(store, path) == {"before", "after"}
        assert {hit.session_id for hit in store.search("hello", project_path=path)} == {"before", "after"}
        assert store.load_latest(path).id == "after"
    assert _found(store, tmp_path) == set()


def test_a_second_clone_and_a_colleagues_session_are_of_the_project(store, app, tmp_path):
    """The same origin in another spelling and the same first commit, wherever the folder is."""
    git(tmp_path, "clone", "-q", str(app), "second")
    git(tmp_path / "second", "remote", "set-url", "origin", "git@example.org:team/app.git")
    mine = _saved(store, "mine", app)
    _saved(store, "second", tmp_path / "second")
    _saved(store, "theirs", "/home/colleague/code", **mine.metadata["project"])
    _saved(store, "elsewhere", "/home/colleague/other", origin="example.org/team/other", roots=[ROOT])
    _saved(store, "fork", "/home/colleague/fork", **mine.metadata["project"] | {"origin": "example.org/me/app"})
    assert _found(store, app) == _found(store, tmp_path / "second") == {"mine", "second", "theirs"}
    assert _found(store, "/home/colleague/code") == {"mine", "second", "theirs"}


def test_a_folder_of_the_project_is_a_place_of_its_own(store, app):
    """Sessions at its top and below it are told apart, as by path."""
    _saved(store, "top", app)
    _saved(store, "below", app / "src")
    assert (_found(store, app), _found(store, app / "src")) == ({"top"}, {"below"})


def test_sessions_without_a_note_come_by_their_path(store, app, tmp_path):
    """A session imported after the folder went is of the project that others in that folder are of."""
    _saved(store, "noted", app)
    moved = app.rename(tmp_path / "renamed")
    _saved(store, "late", app)
    assert "project" not in store.load("late").metadata
    assert _found(store, moved) == {"noted", "late"}


def test_what_an_agent_recorded_of_the_repository_tells(store, app):
    """Codex notes the origin: its session from another machine is of the project, and no credential is noted."""
    _saved(store, "mine", app)
    url = {"repository_url": "https://me:s3cret@example.org/team/app.git"}
    theirs = Session(id="theirs", project_path="/home/colleague/app", metadata={"codex": {"git": url}})
    store.save(theirs)
    assert theirs.metadata["project"] == {"origin": "example.org/team/app"}
    assert _found(store, app) == {"mine", "theirs"}
    for odd in ({"codex": 5}, {"codex": {"git": []}}, {"codex": {"git": {"repository_url": 5}}}):
        session = Session(metadata=odd)
        store.save(session)
        assert session.metadata == odd


def test_where_a_beginning_is_not_known_the_origin_tells(store, app):
    """A shallow clone's session belongs to the project; without origin the beginning tells."""
    [root] = _saved(store, "mine", app).metadata["project"]["roots"]
    _saved(store, "shallow", "/elsewhere/a", origin="example.org/team/app", shallow=True)
    _saved(store, "local", "/elsewhere/c", roots=[root])
    _saved(store, "anew", "/elsewhere/e", origin="example.org/team/app", roots=[ROOT])
    assert _found(store, app) == {"mine", "shallow", "local"}


def test_saving_a_session_made_again_stays_a_no_op(store, app):
    """The same content over the same id makes no commit, though the project has changed its origin since."""
    first = _saved(store, "again", app)
    git(app, "remote", "remove", "origin")
    again = Session.from_dict(first.to_dict() | {"metadata": {}})
    assert store.save(again).commits == ()
    assert again.metadata == store.load("again").metadata


def test_the_notes_are_in_an_index_made_anew(store_path, store, app, tmp_path):
    """A deleted index loses nothing of it."""
    _saved(store, "one", app)
    moved = app.rename(tmp_path / "renamed")
    store.close()
    for file in (store_path / "superqode").glob("index.sqlite*"):
        file.unlink()
    with SessionStore(store_path) as again:
        assert _found(again, moved) == {"one"}
