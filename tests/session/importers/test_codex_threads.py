"""Codex: threads that go on from others, and sub-agents."""

from __future__ import annotations

from .rollouts import CHILD, THREAD, Rollout, executed, imported, said, session_of, spawned


def parent_and_fork(end=6):
    """Give a parent and a fork whose file holds only its new records."""
    parent = Rollout().prompt("one").assistant("1", id="msg_1").call("c1").prompt("later").assistant("2")
    base = {"thread_id": THREAD, "end_ordinal_exclusive": end}
    fork = Rollout(CHILD, forked_from_id=THREAD, history_base=base).prompt("other").assistant("3")
    return parent, fork


def test_a_fork_has_its_parents_history_up_to_the_fork_under_the_same_ids():
    """What is shared is the same entries; the receipt counts the fork's own records only."""
    parent, fork = parent_and_fork()
    whole, found = session_of(parent), imported(fork, parent)
    session = found.session
    assert [text for _, text in said(session)] == ["one", "1", "other", "3"]
    assert [entry.id for entry in session.timeline[:3]] == [entry.id for entry in whole.timeline[:3]]
    assert session.timeline[:3] == whole.timeline[:3]
    assert session.parent_session_id == whole.id == f"codex-{THREAD}"
    assert session.metadata["relation"] == "fork"
    assert found.receipt.lines == len(fork.records)


def test_a_fork_without_its_parent_has_what_its_file_holds_and_says_so():
    """A parent that is not in this run is no error; what is missing is noted, and is no damage."""
    _, fork = parent_and_fork()
    found = imported(fork)
    assert [text for _, text in said(found.session)] == ["other", "3"]
    assert found.session.parent_session_id == f"codex-{THREAD}"
    assert found.session.metadata["history_missing"] == f"codex-{THREAD}"
    assert THREAD in found.receipt.problems[0]
    assert "damaged" not in found.receipt.dropped


def test_forks_of_forks_have_the_history_of_them_all():
    """A chain of files that go on from one another gives one history, each part up to its fork."""
    parent, fork = parent_and_fork()
    grandchild = Rollout(
        "01a202a3-9999-7733-8828-32d0d0df6667", forked_from_id=CHILD, history_base={"thread_id": CHILD}
    )
    grandchild.prompt("last")
    assert [text for _, text in said(session_of(grandchild, parent, fork))] == ["one", "1", "other", "3", "last"]


def test_files_that_go_on_from_each_other_end():
    """A forged circle of forks is read once."""
    one = Rollout(THREAD, history_base={"thread_id": CHILD}, forked_from_id=CHILD).prompt("a")
    two = Rollout(CHILD, history_base={"thread_id": THREAD}, forked_from_id=THREAD).prompt("b")
    assert [text for _, text in said(session_of(one, one, two))] == ["b", "a"]


def test_a_fork_that_copied_its_history_keeps_it():
    """Older forks repeat the parent's records, its first record among them; the file's own first one counts."""
    fork = Rollout(CHILD).add("session_meta", id=THREAD, cwd="/other").prompt("one").assistant("1").prompt("two")
    session = session_of(fork)
    assert (session.id, session.parent_session_id) == (f"codex-{CHILD}", f"codex-{THREAD}")
    assert session.metadata["relation"] == "fork"
    assert [text for _, text in said(session)] == ["one", "1", "two"]


def test_a_sub_agent_knows_its_parent_and_the_call_knows_the_sub_agent():
    """The two sessions point at each other, and the file's own id is the sub-agent's, not the parent's."""
    parent = Rollout().prompt("go").item("function_call", name="spawn_agent", arguments="{}", call_id="c1")
    parent.done("CollabAgentToolCall", id="c1", tool="spawn_agent", status="completed", receiver_thread_ids=[CHILD])
    child = session_of(spawned().prompt("count"))
    assert (child.id, child.parent_session_id) == (f"codex-{CHILD}", f"codex-{THREAD}")
    assert child.metadata["relation"] == "subagent"
    assert session_of(parent).tool_executions[0].metadata["subagent_session_id"] == child.id


def test_a_sub_agent_does_not_repeat_its_parents_records():
    """Records copied from the parent are the parent's; with the parent absent they stay, and that is noted."""
    parent = Rollout().prompt("go").assistant("1", id="msg_1").call("c1").call("spawn", output=None)
    child = spawned()
    child.add("session_meta", id=THREAD, cwd="/p")
    child.records += parent.records[1:]
    child.add("inter_agent_communication", author="/root", content="count").assistant("2", id="msg_2").call("c2")
    found = imported(child, parent)
    assert said(found.session) == [("system", "count"), ("assistant", "2")]
    assert executed(found.session) == {"c2": True}
    assert found.receipt.dropped["repeats of the parent's records"] == 5
    alone = imported(child)
    assert ("user", "go") in said(alone.session)
    assert THREAD in alone.receipt.problems[0]


def test_an_agent_told_to_have_started_belongs_to_its_call():
    """Newer versions tell which agent a call started in a record of its own."""
    parent = Rollout().prompt("go").call("c1", name="spawn_agent", arguments="{}", output="{}")
    parent.done("SubAgentActivity", id="c1", kind="started", agent_thread_id=CHILD)
    parent.done("SubAgentActivity", id="other", kind="started", agent_thread_id=THREAD)
    (call,) = session_of(parent).tool_executions
    assert call.metadata["subagent_session_id"] == f"codex-{CHILD}"
