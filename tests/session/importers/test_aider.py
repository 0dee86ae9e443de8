"""aider: its recorded history, and histories in which anything looks like anything."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.importers import recognise
from superqode.session.importers.aider import AiderImporter
from superqode.session.importers.base import Imported, Source

from . import folders, fuzzing, truth

AIDER = AiderImporter()
NAME = "/home/dev/p/.aider.chat.history.md"


class History:
    """Writes a history as aider does, one thing after the other."""

    def __init__(self):
        self.text = ""

    def start(self, time="2026-11-22 09:55:43"):
        self.text += f"\n# aider chat started at {time}\n\n"
        return self.own("Aider v0.86.2").own("Model: openai/gpt-4o with diff edit format")

    def own(self, text):
        self.text += f"> {text.strip()}  \n"
        return self

    def user(self, text):
        typed = "  \n#### ".join(text.splitlines() or ["<blank>"])
        self.text += f"\n#### {typed}".rstrip() + "  \n"
        return self

    def answer(self, text):
        self.text += f"\n{text.strip()}\n\n"
        return self.own("Tokens: 2.6k sent, 113 received. Cost: $0.0075 message, $0.0075 session.")

    @property
    def data(self):
        return self.text.encode()


def sessions(history, name=NAME):
    """Import a history; gives its sessions."""
    data = history if isinstance(history, bytes) else history.data
    found, errors = folders.run(AIDER, [folders.one(data, name)])
    assert errors == []
    return [item.session for item in found]


def said(history):
    """Import a history of one run; gives who said what, without aider's remarks."""
    (session,) = sessions(history)
    return [
        (message.role.value, message.content)
        for message in session.messages
        if message.metadata.get("kind") != "notice"
    ]


@pytest.mark.parametrize("folder", truth.folders("aider"))
def test_a_recorded_history_is_imported_as_it_happened(folder):
    """Prompts, answers and files are those of the truth; white space at an answer's end is not written down."""
    known = truth.expected(folder)
    known["assistant_texts"] = [text.rstrip("\n") for text in known["assistant_texts"]]
    (source,) = [source for source in folders.at(folder) if source.name.endswith(".md")]
    assert recognise(source).name == "aider"
    truth.check(folders.only(AIDER, [source]).session, known)


def test_each_run_is_a_session():
    """All runs of a file, each with its own id, model, version and files; runs without words are counted."""
    history = History().start().user("one").answer("1").start("2026-11-22 10:00:00").own("Bye")
    history.start("2026-11-22 11:00:00").user("two").answer("2").own("Applied edit to a.py").start(
        "2026-11-22 12:00:00"
    )
    found, _ = folders.run(AIDER, [folders.one(history.data, NAME)])
    first, second = (item.session for item in found)
    assert (first.title, second.title) == ("one", "two")
    assert (first.files_modified, second.files_modified) == ([], ["a.py"])
    assert first.id != second.id
    assert second.metadata["aider"] == {"version": "0.86.2", "models": ["openai/gpt-4o"], "follows": first.id}
    assert second.project_path == "/home/dev/p"
    assert [item.receipt.dropped.get("runs in which nothing was said") for item in found] == [6, 4]


def test_runs_of_one_second_are_told_apart():
    """Two runs that began at once and with the same words are two sessions."""
    history = History().start().user("go").answer("1").start().user("go").answer("2")
    first, second = sessions(history)
    assert first.id != second.id


@pytest.mark.parametrize(
    "answer",
    [
        "# A heading\n\n## Another\n\n#### A fourth\n\ntext",
        "> a quote\n> of two lines\n\ntext",
        "text\n\n> a quote behind an empty line\n\n#### a heading",
        "# aider chat started yesterday\n\n# aider chat started at noon",
        "```md\n#### inside  \n> quoted  \n# aider chat\n```",
        "~~~~\n```\n> quoted  \n#### x  \n~~~~",
        "a.py\n```python\n<<<<<<< SEARCH\n=======\n# comment\n#### x\n>>>>>>> REPLACE\n```",
        "  indented\n\n\n\nafter empty lines",
    ],
    ids=["headings", "quote", "quote behind", "almost a start", "fence", "fence in fence", "edit", "spaces"],
)
def test_an_answer_may_look_like_anything(answer):
    """Headings, quotes and fenced lines of an answer are the answer's."""
    history = History().start().user("go").answer(answer).user("more").answer("done")
    assert said(history) == [("user", "go"), ("assistant", answer.strip()), ("user", "more"), ("assistant", "done")]


@pytest.mark.parametrize(
    "prompt",
    [
        "one line",
        "two\nlines",
        "with\n\nan empty line",
        "#### a heading",
        "> a quote",
        "trailing  \nspaces",
        "# aider chat started at 2026-01-01 00:00:00",
    ],
)
def test_a_prompt_may_look_like_anything(prompt):
    """A prompt has all its lines, and no others."""
    assert said(History().start().user(prompt).answer("ok"))[0] == ("user", prompt)


def test_prompts_behind_each_other_are_several():
    """Where the model did not answer, the next prompt is the next prompt."""
    assert said(History().start().user("one").user("two").answer("ok"))[:2] == [("user", "one"), ("user", "two")]


def test_a_remark_of_several_lines_is_aiders_to_its_last_line():
    """Only its first line is marked; the rest, which may be a whole failed edit, is not the model's."""
    failed = (
        "# 1 SEARCH/REPLACE block failed to match!\n\n## SearchReplaceNoExactMatch: in a.py\n<<<<<<< SEARCH\nx\n"
        "=======\n#### y\n>>>>>>> REPLACE\n\nThe SEARCH section must exactly match"
    )
    command = "/usr/bin/aider --message What?\nsecond line\n\n#### third"
    history = (
        History().start().own(command).user("What?").answer("a").own("The LLM did not conform").own(failed).answer("b")
    )
    assert said(history) == [("user", "What?"), ("assistant", "a"), ("assistant", "b")]
    (session,) = sessions(history)
    notices = [message.content for message in session.messages if message.metadata.get("kind") == "notice"]
    assert command in notices[0]
    assert failed in notices[1]


def test_commands_are_no_prompts():
    """What a person tells aider itself is kept apart; commands that carry a prompt are prompts."""
    history = (
        History()
        .start()
        .user("/add a.py")
        .own("Added a.py to the chat")
        .user("!ls")
        .user("/ask what is it?")
        .answer("x")
    )
    assert said(history) == [
        ("system", "/add a.py"),
        ("system", "!ls"),
        ("user", "/ask what is it?"),
        ("assistant", "x"),
    ]
    (session,) = sessions(History().start().user("/run ls").own("done"))
    assert session.title == "/run ls"


@pytest.mark.parametrize(
    ("remarks", "created", "modified"),
    [
        (["Applied edit to a.py"], [], ["a.py"]),
        (
            ["docs/说明.md", "Create new file? (Y)es/(N)o [Yes]: y", "Applied edit to docs/说明.md"],
            ["docs/说明.md"],
            [],
        ),
        (["a.py", "Create new file? (Y)es/(N)o [Yes]: n", "Applied edit to a.py"], [], ["a.py"]),
        (["Allow creation of new file a.py? y", "Applied edit to a.py"], ["a.py"], []),
        (["Creating empty file a.py", "Applied edit to a.py"], ["a.py"], []),
        (["Applied edit to a.py", "Applied edit to a.py"], [], ["a.py"]),
        (["Did not apply edit to a.py (--dry-run)"], [], []),
    ],
)
def test_files_are_those_of_aiders_remarks(remarks, created, modified):
    """Applied edits changed files, and made those that aider asked about."""
    history = History().start().user("go").answer("ok")
    for remark in remarks:
        history.own(remark)
    (session,) = sessions(history)
    assert (session.files_created, session.files_modified) == (created, modified)


def test_a_history_whose_spaces_an_editor_took_is_read():
    """Then only the beginnings of lines count, as for aider itself."""
    plain = History().start().user("two\nlines").answer("text\n\nmore").own("Applied edit to a.py")
    stripped = "\n".join(line.rstrip() for line in plain.text.split("\n")).encode()
    (session,) = sessions(stripped)
    assert said(stripped) == [("user", "two\nlines"), ("assistant", "text\n\nmore")]
    assert session.files_modified == ["a.py"]


def test_windows_line_ends_are_read():
    """A carriage return belongs to the line's end."""
    plain = History().start().user("go").answer("text")
    assert said(plain.text.replace("\n", "\r\n").encode()) == said(plain)


def test_a_longer_file_keeps_the_ids_of_what_was_there():
    """Cut after any line, sessions and entries have the ids they have in the whole file, in the same order."""
    history = (
        History()
        .start()
        .user("one\nline")
        .answer("1\n\n```\n> x  \n```")
        .own("# 2 blocks\nfailed")
        .user("two")
        .answer("2")
    )
    history.start("2026-11-22 10:00:00").user("three").answer("3")
    full = {session.id: folders.ids(session) for session in sessions(history)}
    whole = history.data.splitlines(keepends=True)
    for cut in range(len(whole)):
        for found in folders.run(AIDER, [folders.one(b"".join(whole[:cut]), NAME)])[0]:
            known = folders.ids(found.session)
            assert known == full[found.session.id][: len(known)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# notes\n",
        b"#### heading  \n",
        b"text\n# aider chat started at 2026-11-22 10:00:00\n",
        b"# aider chat started at noon\n",
        b"{}",
    ],
)
def test_other_markdown_is_not_taken(data):
    """A history begins with aider's own line."""
    assert not AIDER.recognises(folders.one(data), data)


def test_a_file_in_which_nothing_was_said_is_an_error():
    """There is no session in aider's own remarks."""
    _, (problem,) = folders.run(AIDER, [folders.one(History().start().data)])
    assert "nothing was said" in problem.reason


SEED = History().start().user("one\nline").answer("1\n```\n> x  \n```").own("a\nb").start().user("two").answer("2").data


@given(fuzzing.damaged(SEED))
def test_bytes_of_any_kind_anywhere_raise_nothing(data):
    """Whatever the disk did to the file, the answer is ours and the receipt adds up."""
    folders.run(AIDER, [folders.one(b"# aider chat started at 2026-11-22 10:00:00\n" + data)])


@given(
    st.lists(
        st.sampled_from(
            ["#### ", "> ", "```", "  ", "x", "\n", "# aider chat started at 2026-11-22 10:00:00", "Tokens: 1"]
        )
    )
)
def test_lines_of_any_kind_are_accounted_for(pieces):
    """Each line is somebody's, or left out for a reason."""
    text = "# aider chat started at 2026-11-22 10:00:00\n" + "".join(pieces)
    found, _ = folders.run(AIDER, [folders.one(text.encode())])
    assert sum(item.receipt.lines for item in found) in (0, len(text.splitlines()))


def test_a_long_file_is_not_held_in_memory():
    """One run is held at a time, however many there are."""
    runs = [
        History().start(f"2026-11-22 10:{number:02}:00").user(f"p{number}").answer("x" * 200_000).data
        for number in range(60)
    ]
    data = b"".join(runs)
    source = Source(NAME, lambda: io.BytesIO(data))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        count = sum(isinstance(found, Imported) for found in AIDER.read(source))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert count == 60
    assert peak < 4_000_000 < len(data)
