"""Where each agent finds what is written for it, and what it looks like there."""

from __future__ import annotations

from pathlib import Path

import pytest

from superqode.session.handoff.base import PlannedFile

from . import scenes

MODEL = "It goes on with the model {}; another can be named with -m."
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", scenes.NAMES)
def test_files_look_as_they_always_did(name):
    """A small session is written byte for byte as when the real agents took it."""
    handoff = scenes.hand(name, scenes.small(), project=scenes.ELSEWHERE)
    (written,) = GOLDEN.glob(f"{name}.*")
    assert handoff.files[-1].content == written.read_bytes()


@pytest.mark.parametrize(
    ("name", "path", "command"),
    [
        ("claude-code", "projects/-srv-checkouts-other/{}.jsonl", ("claude", "--resume", "{}")),
        ("codex", "sessions/2026/11/25/rollout-2026-11-25T12-00-00-{}.jsonl", ("codex", "resume", "{}")),
        ("gemini", "tmp/other/chats/session-2026-11-25T12-00-{:.8}.jsonl", ("gemini", "--resume", "{}")),
        ("pi", "sessions/--srv-checkouts-other--/2026-11-25T12-00-00-000Z_{}.jsonl", ("pi", "--session", "{}")),
        ("qwen", "projects/-srv-checkouts-other/chats/{}.jsonl", ("qwen", "--resume", "{}")),
    ],
    ids=["claude-code", "codex", "gemini", "pi", "qwen"],
)
def test_the_agent_finds_its_session(name, path, command):
    """The file is where the agent looks for a session of that id and folder, and the command names it."""
    handoff = scenes.hand(name, scenes.small(), project=scenes.ELSEWHERE)
    assert handoff.files[-1].path == path.format(handoff.session_id)
    assert handoff.command == tuple(word.format(handoff.session_id) for word in command)
    assert handoff.session_id in handoff.headless
    assert (handoff.agent, handoff.prepare) == (name, ())


def test_gemini_is_told_the_projects_path():
    """A new folder gets the marker that says whose it is; one that is there is used whatever its name."""
    home = scenes.Home()
    first = scenes.hand("gemini", scenes.small(), home, project=scenes.ELSEWHERE)
    assert first.files[0] == PlannedFile("tmp/other/.project_root", scenes.ELSEWHERE.encode())
    home = scenes.Home({"tmp/my-own-slug/.project_root": scenes.ELSEWHERE.encode() + b"\n"})
    handoff = scenes.hand("gemini", scenes.small(), home, project=scenes.ELSEWHERE)
    assert [file.path.split("/")[1] for file in handoff.files] == ["my-own-slug"]


def test_gemini_takes_no_other_projects_folder():
    """A folder of that name that belongs to another path is left to it."""
    home = scenes.Home({"tmp/other/.project_root": b"/else/other", "history/other-1/.project_root": b"/x"})
    handoff = scenes.hand("gemini", scenes.small(), home, project=scenes.ELSEWHERE)
    assert handoff.files[0].path == "tmp/other-2/.project_root"


def test_gemini_goes_on_in_the_file_it_went_on_in():
    """Each start of Gemini CLI leaves a short file of the same session beside the one it goes on in, seen in 0.61."""
    home = scenes.Home()
    session = scenes.small()
    first = scenes.hand("gemini", session, home)
    path = first.files[-1].path
    home.put(path.replace("T12-00", "T13-30"), first.files[-1].content.split(b"\n")[0] + b"\n")
    talk = scenes.Talk()
    talk.session = session
    talk.says("more?").answers("more.")
    assert scenes.hand("gemini", session, home, before=first.state).files[0].path == path


@pytest.mark.parametrize(
    ("result", "success", "written"),
    [
        ("fine", True, "fine"),
        ("", True, ""),
        ("error: none found", True, "Exit code: 0\nWall time: 0.1 seconds\nOutput:\nerror: none found"),
        ("no such file", False, "no such file"),
        ("what it printed", False, "Exit code: 1\nWall time: 0.1 seconds\nOutput:\nwhat it printed"),
        ("Exit code: 1\nboth", True, "Exit code: 0\nWall time: 0.1 seconds\nOutput:\nExit code: 1\nboth"),
    ],
    ids=["plain", "empty", "looks bad", "says so", "looks good", "looks like a header"],
)
def test_codex_reads_off_the_text_whether_a_call_worked(result, success, written):
    """Codex has no mark for failure: an exit code before the text says it, where the text itself would mislead."""
    handoff = scenes.hand("codex", scenes.Talk().says("go").calls(result=result, success=success).answers("ok").session)
    outputs = [record["payload"]["output"] for record in scenes.records(handoff) if "output" in record["payload"]]
    assert outputs == [written]
    (done,) = scenes.back("codex", handoff).tool_executions
    assert (done.result, done.success) == (result, success)


@pytest.mark.parametrize(
    ("model", "written"),
    [("claude-opus-5-5", "claude-opus-5-5"), ("gpt-5.5", "superqode"), ("", "superqode"), ("claude-\n", "superqode")],
    ids=["own", "foreign", "none", "hostile"],
)
def test_claude_goes_on_with_its_own_model_only(model, written):
    """The model that Claude Code restores is the session's where that is one of its own; else it names none."""
    talk = scenes.Talk().says("go").answers("ok", metadata={"model": model} if model else {})
    assert scenes.records(scenes.hand("claude-code", talk.session))[1]["message"]["model"] == written


@pytest.mark.parametrize("name", scenes.NAMES)
def test_the_receipt_tells_all(name):
    """What was kept, changed and left out of a session is counted, in plain JSON."""
    receipt = scenes.hand(name, scenes.small(), project=scenes.ELSEWHERE).receipt.to_dict()
    notes = [MODEL.format("opencode/big-pickle")] if name == "opencode" else []
    assert receipt == {
        "kept": {"answers": 2, "calls": 2, "prompts": 1, "results": 2},
        "changed": {
            "ids of calls made plain": 1,
            "names of tools made plain": 1,
            "texts that name the project's folder": 2,
        },
        "left_out": {"remarks of the agent": 1, "thoughts": 1},
        "added": {},
        "notes": notes,
    }


@pytest.mark.parametrize("name", scenes.NAMES)
def test_texts_are_valid_whatever_they_hold(name):
    """Half a surrogate pair, which no vendor takes, becomes a replacement character."""
    handoff = scenes.hand(name, scenes.Talk(title="t").says("half \ud83d of a pair").answers("ok").session)
    assert "half \ufffd of a pair" in handoff.files[-1].content.decode()
    assert handoff.receipt.changed["texts that are not valid Unicode"]


def test_every_writer_says_where_it_writes():
    """Names are distinct, homes are below the user's, and patterns cover every file that is planned."""
    assert len({writer.name for writer in scenes.BY_NAME.values()}) == len(scenes.NAMES)
    for name, writer in scenes.BY_NAME.items():
        assert not writer.home.below.startswith("/")
        for file in scenes.hand(name, scenes.small()).files:
            assert file.scratch or any(Path(file.path).match(pattern) for pattern in writer.looks_at), file.path
