"""Two people, two stores, one remote: a session goes over, lives on there, and comes back; with our tools and by hand."""

from __future__ import annotations

import pytest

from session.sharing.team import PASSWORD, SESSION, TOKEN, git, refs
from superqode.session import SessionStore
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.models import ShareConfig


def _line(path, *arguments):
    return git(path, *arguments).decode().strip()


def _contents(session):
    return [message.content for message in session.messages]


@pytest.mark.parametrize(
    ("visibility", "password"),
    [("public", None), ("unlisted", None), ("private", PASSWORD)],
    ids=["public", "unlisted", "private"],
)
def test_there_and_back_again(team, visibility, password):
    """Shared, forked, gone on with, shared back, forked back: one history, the commits of both, the snapshots of both."""
    config = ShareConfig(visibility=visibility, password=password)
    shared_tip = _line(team.ann.path, "rev-parse", SESSION)
    bob = SessionSharingManager(team.bob.store, team.remote)

    forked = bob.fork(team.ann.shares.create_share(SESSION, config).share_url, "Bob's try", password)
    team.bob.say("Use a prepared statement", session_id=forked.id)
    team.bob.snapshot("Bob was here", forked.id)
    team.bob.say("and a test", session_id=forked.id)

    # The fork stands on the shared commits themselves.
    assert _line(team.bob.path, "merge-base", forked.id, shared_tip) == shared_tip
    assert int(_line(team.bob.path, "rev-list", "--count", "--first-parent", f"{shared_tip}..{forked.id}")) >= 3
    again = bob.create_share(forked.id, config)
    back = team.ann.shares.fork(again.share_url, "Merged", password)

    bobs_tip = _line(team.bob.path, "rev-parse", forked.id)
    assert _line(team.ann.path, "merge-base", back.id, SESSION) == shared_tip
    assert _line(team.ann.path, "merge-base", back.id, bobs_tip) == bobs_tip
    loaded = team.ann.store.load(back.id)
    assert _contents(loaded) == [
        "Fix the SQL injection",
        "It is in users.py",
        "Parametrise it",
        "Use a prepared statement",
        "and a test",
    ]
    assert (loaded.title, loaded.parent_session_id) == ("Merged", forked.id)
    assert {taken.description: len(taken.state.messages) for taken in loaded.snapshots} == {
        "before the fix": 2,
        "Bob was here": 4,
    }
    assert team.ann.store.exists(SESSION)
    for path in (team.ann.path, team.bob.path, team.remote):
        git(path, "fsck", "--strict", "--no-dangling")


def test_a_fork_goes_back_to_the_shared_snapshot(team):
    """Snapshots are whole: the receiver restores one, saves, and takes it back."""
    forked = team.bob.shares.fork(team.share().share_url)
    (taken,) = team.bob.store.load(forked.id).snapshots

    team.bob.store.restore(forked.id, taken.id)
    assert _contents(team.bob.store.load(forked.id)) == ["Fix the SQL injection", "It is in users.py"]

    team.bob.store.undo(forked.id)
    assert len(team.bob.store.load(forked.id).messages) == 3


def test_a_fork_does_not_need_its_share_any_more(team):
    """Revoked, its remote gone, its owner's store gone: the fork has all it needs, also after maintenance."""
    made = team.share()
    forked = team.bob.shares.fork(made.share_url)
    team.ann.shares.revoke_share(made.id)
    team.remote.rename(team.folder / "gone")
    team.ann.path.rename(team.folder / "gone too")

    team.bob.store.maintain()
    with SessionStore(team.bob.path) as store:
        assert store.verify().findings == ()
        loaded = store.load(forked.id)
        assert len(loaded.messages) == 3
        assert len(loaded.snapshots[0].state.messages) == 2


def test_a_share_can_be_forked_again_after_each_update(team):
    """Each fork has the state of its time, and what both have is there once."""
    made = team.share()
    first = team.bob.shares.fork(made.share_url)
    team.ann.say("more")
    team.ann.shares.update_share(made.id)

    second = team.bob.shares.fork(made.share_url)

    assert len(team.bob.store.load(first.id).messages) == 3
    assert len(team.bob.store.load(second.id).messages) == 4
    assert _line(team.bob.path, "merge-base", first.id, second.id) == _line(team.ann.path, "rev-parse", f"{SESSION}~1")


def test_a_receiver_s_own_session_of_the_same_name_stays_as_it_is(team):
    """A fork has an id of its own; looking at the share touches nothing."""
    team.bob.say("mine", title="Bob's own")
    before = _line(team.bob.path, "rev-parse", SESSION)
    made = team.share()

    forked = team.bob.shares.fork(made.share_url)

    assert forked.id != SESSION
    assert _line(team.bob.path, "rev-parse", SESSION) == before
    assert _contents(team.bob.store.load(SESSION)) == ["mine"]
    assert _contents(team.bob.shares.get_session_for_share(made.share_url))[0] == "Fix the SQL injection"


def test_by_hand_a_public_share_is_a_session(team):
    """`git fetch` and `git branch`, nothing of ours: listed, loaded with its snapshots, and the first save works."""
    made = team.share("public")
    shared_tip = _line(team.ann.path, "rev-parse", SESSION)
    git(team.bob.path, "remote", "add", "team", str(team.remote))
    git(team.bob.path, "fetch", "-q", "team", team.ann.record(made).remote_ref)
    git(team.bob.path, "branch", "my-fork", "FETCH_HEAD")

    (listed,) = team.bob.store.list_sessions()
    loaded = team.bob.store.load("my-fork")

    assert (listed.id, listed.title, listed.message_count) == ("my-fork", "Fix SQL injection", 3)
    assert (loaded.id, loaded.parent_session_id) == ("my-fork", SESSION)
    assert _contents(loaded)[-1] == "Parametrise it"
    assert [(taken.description, len(taken.state.messages)) for taken in loaded.snapshots] == [("before the fix", 2)]
    loaded.add_message("user", "by hand")
    team.bob.store.save(loaded)
    with SessionStore(team.bob.path) as store:
        saved = store.load("my-fork")
        assert _contents(saved)[-1] == "by hand"
        assert [len(taken.state.messages) for taken in saved.snapshots] == [2]
        assert store.verify().findings == ()
    assert [name for name in refs(team.bob.path) if name.startswith("refs/tags/my-fork/")]
    assert _line(team.bob.path, "merge-base", "my-fork", shared_tip) == shared_tip
    git(team.bob.path, "fsck", "--strict", "--no-dangling")


def test_by_hand_an_updated_public_share_is_a_session(team):
    """The tip of an update, too, whose second parent is the share before."""
    made = team.share("public")
    team.ann.say("more")
    team.ann.snapshot("after")
    team.ann.shares.update_share(made.id)
    git(team.bob.path, "fetch", "-q", str(team.remote), team.ann.record(made).remote_ref)
    git(team.bob.path, "branch", "my-fork", "FETCH_HEAD")

    loaded = team.bob.store.load("my-fork")

    assert _contents(loaded)[-1] == "more"
    assert sorted(taken.description for taken in loaded.snapshots) == ["after", "before the fix"]
    team.bob.say("on top", session_id="my-fork")
    assert team.bob.store.load("my-fork").messages[-1].content == "on top"


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_a_merge_goes_over_as_an_update(team, visibility):
    """A share that grew by a merge is updated, with the saves of both sides and none of its secrets; Bob merges it back."""
    share = team.ann.shares.create_share(SESSION, ShareConfig(visibility=visibility))
    bob = SessionSharingManager(team.bob.store, team.remote)
    forked = bob.fork(share.share_url, "Bob's try")
    team.bob.say("bob was here", session_id=forked.id)
    team.ann.store.fork(SESSION, new_id="other")
    team.ann.say(f"in the fork, with {TOKEN}", session_id="other")
    team.ann.say("in the session")

    team.ann.store.merge(SESSION, "other")
    team.ann.shares.update_share(share.share_token)

    found = _contents(bob.get_session_for_share(share.share_url))
    assert found[-1] == "in the session"
    assert found[-2].startswith("in the fork, with [REDACTED:")
    again = bob.fork(share.share_url, "Again")
    assert len(_line(team.bob.path, "rev-list", "--merges", again.id).split()) >= 1
    team.bob.store.merge(forked.id, again.id)
    assert set(_contents(team.bob.store.load(forked.id))) == {*found, "bob was here"}
    assert team.bob.store.verify().ok
    assert TOKEN not in git(team.bob.path, "log", "--patch", forked.id).decode()
