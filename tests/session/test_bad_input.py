"""What no session should hold and some do: a clear error, or kept exactly; and nothing else is harmed."""

import os
import subprocess

import pytest

from strategies import hostile_ids
from superqode.session import Message, Session, SessionStore
from superqode.session.errors import InvalidEntry, InvalidSession, InvalidSessionId, SessionError, SessionNotFound
from superqode.session.store import branches

UNENCODABLE = "\ud800"


@pytest.fixture
def kept(store):
    """A session that must come to no harm."""
    session = Session(id="kept")
    session.add_message("user", "x")
    store.save(session)
    return session


def _state(folder):
    # The index is made again from the refs, and a journal is emptied once what it holds is durable.
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {"locks", "journal"} & set(path.parts) and not path.name.startswith("index.sqlite")
    }


@pytest.mark.parametrize("hostile", [name for name in hostile_ids if name != UNENCODABLE], ids=ascii)
def test_hostile_ids_reach_no_file(store, store_path, tmp_path, kept, hostile):
    """Every verb refuses a hostile id, or finds nothing under it; not one file in or beside the store changes."""
    before = _state(store_path)
    beside = sorted(tmp_path.iterdir())
    verbs = [
        lambda: store.load(hostile),
        lambda: store.history(hostile),
        lambda: store.at(hostile, None),
        lambda: store.fork(hostile),
        lambda: store.undo(hostile),
        lambda: store.rename(hostile, "new"),
        lambda: store.undelete(hostile),
        lambda: store.purge(hostile),
        lambda: store.verify([hostile]),
        lambda: store.rename("kept", hostile),
        lambda: store.fork("kept", new_id=hostile),
        lambda: store.save(Session(id=hostile)),
        lambda: store.at("kept", hostile) if hostile else store.load(hostile),
    ]
    for number, verb in enumerate(verbs):
        with pytest.raises((InvalidSessionId, LookupError)) as caught:
            verb()
        assert isinstance(caught.value, SessionError), number
    for verb in (store.exists, store.delete):
        try:
            assert verb(hostile) is False
        except InvalidSessionId:
            continue

    assert _state(store_path) == before
    assert sorted(tmp_path.iterdir()) == beside
    assert store.load("kept") == kept


@pytest.mark.parametrize("hostile", hostile_ids, ids=ascii)
def test_filters_take_any_text(store, kept, hostile):
    """As a filter or a query a hostile text is only text that nothing matches."""
    assert store.list_sessions(project_path=hostile or "x", tags=[hostile], agent=hostile) == []
    assert store.list_sessions(parent=hostile) == []
    assert isinstance(store.search(hostile), list)


def test_text_that_is_no_unicode_comes_back(store, git, kept):
    """Lone surrogates and NUL anywhere in a session are stored and read exactly, and git finds no fault."""
    nasty = "half \ud83d and NUL \0 and \udfff"
    session = Session(id="s", title=nasty, tags=[nasty], project_path=nasty, metadata={nasty: [nasty]})
    session.add_message("user", nasty, nasty, [{nasty: nasty}], nasty, {nasty: nasty})
    session.add_tool_execution(nasty, {nasty: nasty, "path": nasty}, nasty, True, agent_name=nasty)
    store.save(session)

    assert store.load("s") == session
    assert "s" in {found.id for found in store.list_sessions()}
    assert store.search("half")
    git.fsck()


def test_a_tool_result_of_20_megabytes(store, git):
    """It comes back whole, stands in parts that any host takes, and `git show` reads as text."""
    line = "line of output — größer — 東京\n"
    result = line * (20_000_000 // len(line.encode()))
    session = Session(id="s")
    session.add_tool_execution("cat", {"path": "big"}, result, True)
    store.save(session)

    loaded = store.load("s")
    sizes = [int(line.split()[3]) for line in git("ls-tree", "-r", "-l", "s").splitlines()]

    assert loaded.tool_executions[0].result == result
    assert max(sizes) <= 1024 * 1024
    assert len(sizes) == 3 + 20
    assert git("show", "s:timeline/0000/00/00-call.result.000.txt").startswith(line * 100)
    loaded.add_message("user", "more")
    assert store.save(loaded).messages_added == 1
    git.fsck()


def _count(store_path):
    return sum(len(names) for _, _, names in os.walk(store_path / "objects"))


# 100,000 takes half a minute of writing files; the whole number runs where time is no matter.
MANY = 100_000 if os.environ.get("SUPERQODE_TEST_FULL") else 10_150


def test_very_many_messages(store_path):
    """Saved once; one more message writes six objects as in a short session, and reads back in order."""
    with SessionStore(store_path, durability="fast") as store:
        session = Session(id="s")
        session.messages = [Message(id=f"m{number}", role="user", content="x") for number in range(MANY)]
        store.save(session)
        for _ in range(3):
            before = _count(store_path)
            session.add_message("user", "one more")
            store.save(session)
            assert _count(store_path) - before == 6

        assert store.load("s") == session
        assert store.list_sessions()[0].message_count == MANY + 3
        assert store.verify().ok


@pytest.mark.parametrize("depth", [201, 1_000, 100_000])
def test_deep_json_is_refused(store, kept, depth):
    """Deeper than 200 levels is refused when it is added, wherever it is, before anything crashes."""
    deep = "bottom"
    for _ in range(depth):
        deep = {"down": deep}
    session = Session(id="s")
    with pytest.raises(InvalidEntry, match="more than 200 levels"):
        session.add_message("user", "x", metadata={"deep": deep})
    with pytest.raises(InvalidEntry, match="more than 200 levels"):
        session.add_tool_execution("t", {"deep": deep}, "", True)
    session.metadata["deep"] = deep
    with pytest.raises(InvalidSession, match="more than 200 levels"):
        store.save(session)
    assert not store.exists("s")


def test_deep_enough_json_is_kept(store):
    """200 levels come back through the branch."""
    deep = "bottom"
    for _ in range(199):
        deep = [deep]
    session = Session(id="s", metadata={"deep": deep})
    session.add_message("user", "x", metadata={"deep": deep})
    store.save(session)

    assert store.load("s") == session


@pytest.mark.parametrize("name", ["a", "fix-it", "x" * 128, "A.b_c", "0"])
def test_ordinary_ids_work(store, name):
    """What is an id can be saved, loaded, tagged, forked, renamed, deleted and brought back."""
    session = Session(id=name)
    session.create_snapshot("x", snapshot_id="snap")
    store.save(session)
    store.fork(name, new_id="forked")
    store.delete(name)
    assert store.undelete(name) == name
    store.rename(name, "renamed")

    assert {found.id for found in store.list_sessions()} == {"renamed", "forked"}
    assert len(store.load("renamed").snapshots) == 1


def test_near_ids_are_named(store, kept):
    """A typing error is met with the id that was meant."""
    with pytest.raises(SessionNotFound, match=r"There is no session 'keptt'\. Did you mean kept\?"):
        store.load("keptt")


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("KEP", ("kept", "kept-a.b")),
        ("EPT-a", ("kept-a.b",)),
        ("kept-a-b", ("kept-a.b", "kept")),
        ("superqod", ()),
        ("x\ny", ()),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_ids_are_near_by_beginning_case_part_and_spelling(store, kept, monkeypatch, asked, near, many):
    """What is typed is a text and no pattern; of very many ids, too, and never the store's own branch."""
    store.save(Session(id="kept-a.b"))
    if many:
        monkeypatch.setattr(branches, "_MANY", 2)
    assert branches.near_ids(store._open(), asked) == list(near)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    """A store is not made among somebody's files, nor in a file's place, and nothing is changed there."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "main.py").write_text("print()")
    (tmp_path / "file").write_text("x")
    for place, told in (("project", "holds other files"), ("file", "it is a file")):
        with SessionStore(tmp_path / place) as store, pytest.raises(SessionError, match=told):
            store.save(Session(id="s"))
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["main.py"]
    assert (tmp_path / "file").read_text() == "x"


def test_a_work_tree_is_no_store(tmp_path):
    """A folder with a Git work tree in it is somebody's project."""
    subprocess.run(["git", "init", "-q", str(tmp_path / "project")], check=True)
    with SessionStore(tmp_path / "project") as store, pytest.raises(SessionError):
        store.save(Session(id="s"))
    assert [path.name for path in (tmp_path / "project").iterdir()] == [".git"]
