"""Sessions written entry by entry: the same commits as saves make, in bounded windows, branches only at the end."""

from datetime import UTC, datetime, timedelta

import pytest

from superqode.session import Session
from superqode.session.errors import InvalidSessionId
from superqode.session.git import packwriting
from superqode.session.git.repository import Repository
from superqode.session.models import Message, ToolExecution
from superqode.session.store import appending
from superqode.session.store.appending import Batch, Pace

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def talk(count):
    """Prompts, answers and calls in turn."""
    entries = []
    for number in range(count):
        moment = START + timedelta(seconds=number)
        if number % 3 == 2:
            arguments = {"file_path": f"f{number}.py"}
            entries.append(
                ToolExecution(
                    id=f"c{number}",
                    tool_name="write_file",
                    arguments=arguments,
                    result="x" * 50 * number,
                    success=True,
                    timestamp=moment,
                    agent_name="agent",
                )
            )
        else:
            role = ("user", "assistant")[number % 3]
            name = "agent" if role == "assistant" else None
            entries.append(
                Message(id=f"m{number}", role=role, content=f"{role} {number}", timestamp=moment, agent_name=name)
            )
    return entries


def head(session_id="s", **fields):
    """What an import says of a session as a whole."""
    return Session(
        id=session_id,
        title="T",
        created_at=START,
        updated_at=START + timedelta(hours=1),
        files_created=["all.py"],
        agents_used=["agent"],
        tags=["t"],
        metadata={"imported": {"format": "x"}},
        **fields,
    )


@pytest.fixture
def repository(store_path):
    """An empty store."""
    return Repository.create(store_path)


@pytest.mark.parametrize("few", [1, 500])
def test_a_session_reads_as_if_it_had_been_saved(repository, store, git, monkeypatch, few):
    """It loads whole, has a save before and after each prompt, and git is content; packed or loose."""
    monkeypatch.setattr(packwriting, "_FEW", few)
    entries = talk(301)
    with Batch(repository, durable=True) as batch:
        assert batch.write(head(), iter(entries)) == (201, 100)
        assert batch.holds("s")
        assert repository.refs.read("refs/heads/s") is None
        assert batch.flush() == []
    loaded = store.load("s")
    assert loaded.timeline == entries
    assert (loaded.files_created, loaded.files_modified, loaded.agents_used) == (["all.py"], [], ["agent"])
    assert (loaded.title, loaded.tags, loaded.updated_at) == ("T", ["t"], START + timedelta(hours=1))
    saves = store.history("s")
    assert len(saves) == 201
    assert saves[-1].subject == "user: user 0"
    assert saves[0].messages == 201
    assert store.at("s", saves[-2].commit).files_created == ["f2.py"]
    git.fsck()
    store.save(loaded)
    assert len(store.history("s")) == len(saves)


def test_much_between_two_prompts_is_saved_in_parts(repository, store, monkeypatch):
    """However much an agent does in one turn, what one save adds is bounded."""
    monkeypatch.setattr(appending, "_MOST_ENTRIES", 10)
    entries = [entry for entry in talk(150) if getattr(entry, "role", "") != "user"]
    with Batch(repository, durable=False) as batch:
        batch.write(head(), iter(entries))
        batch.flush()
    assert store.load("s").timeline == entries
    assert len(store.history("s")) == 10
    assert all(save.messages_added + save.executions_added <= 10 for save in store.history("s"))


def test_long_texts_count_too():
    """Two texts that together are more than a save should add are two saves."""
    pace = Pace()
    long = Message(role="assistant", content="x" * 9_000_000)
    assert [pace.save_before(long), pace.save_before(long)] == [False, True]


def test_an_empty_session_is_one_save(repository, store):
    """A session without entries is there, and says that it is new."""
    with Batch(repository, durable=False) as batch:
        batch.write(head(), iter(()))
        batch.flush()
    assert [save.subject for save in store.history("s")] == ["new: T"]


def test_who_comes_first_keeps_the_name(repository, store):
    """A session that another process made meanwhile stays as it is, and the one that came late is told."""
    with Batch(repository, durable=False) as batch:
        batch.write(head(), iter(talk(3)))
        batch.write(head("other"), iter(talk(3)))
        store.save(theirs := Session(id="s", title="theirs"))
        (failed,) = batch.flush()
    assert "Import the file again" in str(failed)
    assert store.load("s").title == theirs.title
    assert len(store.load("other").timeline) == 3


def test_an_error_on_the_way_makes_no_branch(repository, store):
    """Where a source breaks off, nothing of its session is there, and those before it are made."""

    def broken():
        yield from talk(3)
        raise OSError(5, "the disk is gone")

    with Batch(repository, durable=False) as batch:
        batch.write(head("whole"), iter(talk(3)))
        with pytest.raises(OSError, match="gone"):
            batch.write(head("broken"), broken())
        with pytest.raises(InvalidSessionId):
            batch.write(head("../x"), iter(()))
        assert batch.flush() == []
    assert [summary.id for summary in store.list_sessions()] == ["whole"]


def test_no_repack_drops_an_import_before_its_branches_are_made(repository, store, git, monkeypatch):
    """`git repack -a -d` right before the branches leaves the packs alone, batch after batch; then they are as others."""
    monkeypatch.setattr(packwriting, "_FEW", 1)
    made = Batch._make_branches

    def later(batch):
        git("repack", "-a", "-d", "-q")
        return made(batch)

    monkeypatch.setattr(Batch, "_make_branches", later)
    with Batch(repository, durable=True) as batch:
        for name in ("a", "b"):
            batch.write(head(name), iter(talk(4)))
            assert batch.flush() == []
            assert list((repository.path / "objects" / "pack").glob("*.keep")) == []
    assert [len(store.load(name).timeline) for name in ("a", "b")] == [4, 4]
    git.fsck()
