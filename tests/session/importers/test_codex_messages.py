"""Codex: who really said what, however many times and in which order it was written down."""

from __future__ import annotations

import json

import pytest

from .rollouts import CHILD, Rollout, imported, said, session_of


def test_a_message_told_twice_is_one_message_in_any_order_of_the_two():
    """An event may come before its record, after it, or alone; the message is there once."""
    rollout = Rollout()
    rollout.event("user_message", message="first").user("first")
    rollout.event("agent_message", message="one").assistant("one")
    rollout.user("second").event("user_message", message="second")
    rollout.assistant("two").event("token_count", info={"total_token_usage": {"total_tokens": 9}})
    rollout.event("agent_message", message="two")
    rollout.event("user_message", message="only told").event("agent_message", message="only heard")
    assert said(session_of(rollout)) == [
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second"),
        ("assistant", "two"),
        ("user", "only told"),
        ("assistant", "only heard"),
    ]


def test_the_same_prompt_twice_is_two_prompts():
    """Only the two records of one message are one."""
    rollout = Rollout().prompt("again").assistant("ok").prompt("again").assistant("ok")
    session = session_of(rollout)
    assert said(session) == [("user", "again"), ("assistant", "ok")] * 2
    assert len({message.id for message in session.messages}) == 4


def test_what_codex_says_in_the_users_name_is_no_prompt_and_no_title():
    """Environment, AGENTS.md, notices and texts no event confirms are of role system."""
    rollout = Rollout()
    rollout.user("# AGENTS.md instructions for /p\n\n<INSTRUCTIONS>be kind</INSTRUCTIONS>")
    rollout.user("<environment_context>\n  <cwd>/p</cwd>\n</environment_context>")
    rollout.user("text of a kind nobody knows yet")
    rollout.event("user_message", message="<user_instructions>x</user_instructions>", kind="user_instructions")
    rollout.prompt("Fix\nthe  bug" + "!" * 100)
    rollout.user("<subagent_notification>{}</subagent_notification>")
    session = session_of(rollout)
    assert [role for role, _ in said(session)] == ["system", "system", "system", "user", "system"]
    assert session.title == "Fix the bug" + "!" * 68 + "…"
    assert len(session.title) == 80


def test_without_events_a_prompt_is_what_codex_does_not_write():
    """Old rollouts have no events; there the texts alone tell."""
    rollout = Rollout().user("<user_instructions>x</user_instructions>").user("<div> is broken").assistant("ok")
    assert said(session_of(rollout))[1:] == [("user", "<div> is broken"), ("assistant", "ok")]


def test_codex_own_note_on_each_part_of_a_message_decides():
    """Where Codex notes what a text is, its looks do not matter."""
    rollout = Rollout()
    for kind, text in [("user.text", "<skill> is a tag I type"), ("environments.environment_context", "plain words")]:
        rollout.user(text, internal_chat_message_metadata_passthrough={"content_item_kinds": [kind]})
    assert said(session_of(rollout)) == [("user", "<skill> is a tag I type"), ("system", "plain words")]


def test_a_prompt_from_an_editor_is_titled_by_the_prompt():
    """What the editor puts before the prompt stays in the text and out of the title."""
    rollout = Rollout().prompt(
        "# Context from my IDE setup:\n\n## Open tabs: a.py\n\n## My request for Codex:\nFix it\n"
    )
    assert session_of(rollout).title == "Fix it"


def test_pictures_are_counted_and_their_wrapping_is_no_text():
    """A picture in a prompt leaves its number; its data is not kept."""
    content = [
        {"type": "input_text", "text": "<image name=[Image #1]>"},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9999},
        {"type": "input_text", "text": "</image>"},
        {"type": "input_text", "text": "what is this?"},
    ]
    rollout = Rollout().item("message", role="user", content=content).event("user_message", message="what is this?")
    (message,) = session_of(rollout).messages
    assert (message.role, message.content, message.metadata["images"]) == ("user", "what is this?", 1)


def test_reasoning_goes_with_the_answer_it_led_to_without_its_ciphertext():
    """Summaries stand in the answer's metadata, also of one that only calls a tool; ciphertext is counted."""
    rollout = Rollout().prompt("go")
    rollout.item("reasoning", summary=[{"type": "summary_text", "text": "look first"}], encrypted_content="c2VjcmV0")
    rollout.call("c1").event("token_count", info={"total_token_usage": {"total_tokens": 1}})
    rollout.item("reasoning", summary=[], encrypted_content="c2VjcmV0").assistant("done")
    found = imported(rollout)
    first, second = [message for message in found.session.messages if message.role == "assistant"]
    assert (first.content, first.metadata["thinking"]) == ("", ["look first"])
    assert first.tool_calls == [
        {"type": "function_call", "call_id": "c1", "name": "exec_command", "arguments": '{"cmd": "ls"}'}
    ]
    assert "thinking" not in second.metadata
    assert "c2VjcmV0" not in json.dumps(found.session.to_dict())
    assert found.session.metadata["left_out"] == {"encrypted_content": 2}
    assert found.receipt.dropped["reasoning without a summary"] == 1


def counted(total):
    """Give the fields of a token count."""
    return {"info": {"total_token_usage": {"total_tokens": total}}}


def test_results_behind_each_call_do_not_split_a_response():
    """Where token counts stand between responses, calls with their results in between are one answer's."""
    rollout = Rollout().prompt("go").event("token_count", **counted(1)).call("a").call("b")
    rollout.event("token_count", **counted(1)).call("c").event("token_count", **counted(2)).call("d")
    answers = [message for message in session_of(rollout).messages if message.role == "assistant"]
    assert [[call["call_id"] for call in answer.tool_calls] for answer in answers] == [["a", "b", "c"], ["d"]]


def test_without_marks_between_responses_a_result_ends_one():
    """Where nothing else tells, what follows a result is the next answer."""
    rollout = Rollout().prompt("go").event("token_count", info=None).call("a").call("b")
    answers = [message for message in session_of(rollout).messages if message.role == "assistant"]
    assert [[call["call_id"] for call in answer.tool_calls] for answer in answers] == [["a"], ["b"]]


def test_turns_taken_back_are_no_part_of_the_session_but_their_files_are():
    """A rollback removes the last prompts with all that followed; it does not undo what was written."""
    rollout = (
        Rollout()
        .prompt("one")
        .assistant("1")
        .prompt("two")
        .patch("c1", "*** Begin Patch\n*** Add File: a\n*** End Patch")
    )
    rollout.user("<environment_context/>").prompt("three").assistant("3")
    rollout.event("thread_rolled_back", num_turns=2).prompt("four")
    found = imported(rollout)
    assert [text for role, text in said(found.session) if role != "system"] == ["one", "1", "four"]
    assert found.session.tool_executions == []
    assert found.session.files_created == ["a"]
    assert found.receipt.dropped["turns taken back"] == 7


@pytest.mark.parametrize(("turns", "left"), [(0, 2), (1, 1), (2, 0), (99, 0), (-1, 2), ("x", 2), (None, 2)])
def test_a_rollback_of_any_number_takes_back_at_most_all(turns, left):
    """A number that makes no sense takes nothing back."""
    rollout = Rollout().prompt("one").prompt("two").event("thread_rolled_back", num_turns=turns)
    assert len(session_of(rollout).messages) == left


def test_compacted_history_is_a_mark_and_not_said_again():
    """The replaced history is in the file already; the summary is kept as a notice."""
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}]}]
    rollout = Rollout().prompt("one").add("compacted", message="Summary: one", replacement_history=history)
    rollout.event("context_compacted").assistant("on")
    assert said(session_of(rollout)) == [("user", "one"), ("system", "Summary: one"), ("assistant", "on")]


def test_messages_between_agents_are_nobodys_prompt():
    """Agents' messages are notices, in any of their shapes, and title a session only where no person spoke."""
    rollout = Rollout(parent_thread_id=CHILD).add(
        "inter_agent_communication", author="/lead", recipient="/lead/a", content="count files"
    )
    rollout.item("agent_message", author="/root", content=[{"type": "input_text", "text": "faster"}])
    envelope = {"author": "/lead", "recipient": "/lead/a", "content": "please", "trigger_turn": True}
    rollout.assistant(json.dumps(envelope)).assistant("2")
    session = session_of(rollout)
    assert said(session) == [("system", "count files"), ("system", "faster"), ("system", "please"), ("assistant", "2")]
    assert session.title == "count files"


def test_a_prompt_inside_another_is_a_prompt_of_its_own():
    """An event whose words are part of the prompt before it is no repeat of that one."""
    rollout = Rollout().prompt("go on please").event("user_message", message="go on").assistant("ok")
    assert said(session_of(rollout)) == [("user", "go on please"), ("user", "go on"), ("assistant", "ok")]


def test_what_was_only_heard_is_taken_back_with_its_turn():
    """A rollback takes back messages that only events told of, too."""
    rollout = Rollout().prompt("one").event("agent_message", message="kept").assistant("1").prompt("two")
    rollout.event("agent_message", message="lost").call("c1").event("thread_rolled_back", num_turns=1)
    assert [text for _, text in said(session_of(rollout))] == ["one", "kept", "1"]
