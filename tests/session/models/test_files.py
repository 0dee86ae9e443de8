"""Which files a call touched: one table of tool names, paths relative to the project, nothing ever opened."""

import pytest
from hypothesis import given

from strategies import json_objects, texts
from superqode.session.models import Session
from superqode.session.models.files import TOOLS, relative_path, touched_files


def _touched(tool, project="/p", **arguments):
    return list(touched_files(tool, arguments, project))


@pytest.mark.parametrize(
    ("tool", "touch"),
    [
        ("write_file", "write"),
        ("Write", "write"),
        ("mcp__fs__write_file", "write"),
        ("functions.write-file", "write"),
        ("create_file", "create"),
        ("edit_file", "modify"),
        ("MultiEdit", "modify"),
        ("str_replace", "modify"),
        ("apply_patch", "modify"),
        ("delete_file", "delete"),
        ("Read", "read"),
    ],
)
def test_a_tools_name_tells_what_it_does(tool, touch):
    """Case, separators and namespaces in a tool's name do not matter."""
    assert _touched(tool, path="a.py") == [(touch, "a.py")]


def test_other_tools_touch_nothing():
    """A tool that is not in the table touches no file we know of."""
    assert _touched("web_search", path="a.py") == []
    assert _touched("", path="a.py") == []


@pytest.mark.parametrize("key", ["path", "file_path", "filePath", "filename", "file", "notebook_path", "target_file"])
def test_the_path_is_found_under_any_usual_name(key):
    """Agents call the path by several names."""
    assert _touched("edit", **{key: "/p/src/a.py"}) == [("modify", "src/a.py")]


@pytest.mark.parametrize("bad", [None, 5, ["a"], {}, ""])
def test_a_path_that_is_no_text_is_none(bad):
    """An argument that is not text, or is empty, is no path."""
    assert _touched("edit", path=bad) == []


@pytest.mark.parametrize(
    ("path", "project", "shown"),
    [
        ("/p/src/a.py", "/p", "src/a.py"),
        ("/p/src/a.py", "/p/", "src/a.py"),
        ("/p/./src/../src/a.py", "/p", "src/a.py"),
        ("src/a.py", "/p", "src/a.py"),
        ("./src/a.py", "/p", "src/a.py"),
        ("/elsewhere/a.py", "/p", "/elsewhere/a.py"),
        ("/project/a.py", "/p", "/project/a.py"),
        ("/p/../etc/passwd", "/p", "/etc/passwd"),
        ("../a.py", "/p", "../a.py"),
        ("/a.py", "", "/a.py"),
        ("C:\\p\\src\\a.py", "C:\\p", "src/a.py"),
        ("we\\ird.py", "/p", "we\\ird.py"),
    ],
)
def test_paths_inside_the_project_are_relative(path, project, shown):
    """Inside the project a path is relative to it; outside it stays whole; nothing is looked up on the disk."""
    assert relative_path(path, project) == shown


def test_a_patch_names_its_files():
    """The patch language tells added, updated, deleted and moved files, each relative to the project."""
    patch = (
        "*** Begin Patch\n*** Add File: new.py\n+x\n*** Update File: /p/old.py\n*** Move to: moved.py\n@@\n"
        "*** Delete File: gone.py\n*** End Patch\n"
    )
    assert _touched("apply_patch", input=patch) == [
        ("create", "new.py"),
        ("modify", "old.py"),
        ("create", "moved.py"),
        ("delete", "gone.py"),
    ]


def test_an_editors_command_tells_what_it_does():
    """One tool with many commands touches files as its command says."""
    assert _touched("str_replace_editor", command="create", path="a") == [("create", "a")]
    assert _touched("str_replace_editor", command="view", path="a") == [("read", "a")]
    assert _touched("str_replace_editor", command="str_replace", path="a") == [("modify", "a")]


@given(texts, json_objects, texts)
def test_any_call_is_looked_at_without_harm(tool, arguments, project):
    """Whatever an agent calls with whatever arguments, looking at it raises nothing."""
    for name in (tool, "write_file", "apply_patch", "bash"):
        for called in (arguments, {"path": tool, "command": tool, "input": tool}):
            assert all(isinstance(path, str) for _, path in touched_files(name, called, project))


def _session(*calls):
    session = Session(id="s", project_path="/p")
    for tool, path, success in calls:
        session.add_tool_execution(tool, {"path": path}, "", success)
    return session


def test_created_wins_over_modified():
    """A file the session made stays in `files_created`, however often it is edited."""
    session = _session(("write_file", "a", True), ("edit_file", "a", True), ("write_file", "/p/a", True))

    assert (session.files_created, session.files_modified) == (["a"], [])


def test_writing_a_file_seen_before_modifies_it():
    """A file that was read or edited before it was written over was there already."""
    read = _session(("read_file", "a", True), ("write_file", "a", True))
    edited = _session(("edit_file", "a", True), ("write_file", "a", True))

    assert (read.files_created, read.files_modified) == ([], ["a"])
    assert (edited.files_created, edited.files_modified) == ([], ["a"])


def test_a_created_file_leaves_the_modified_ones():
    """Where an edit was counted first and a creation follows, created wins."""
    session = _session(("edit_file", "a", True), ("create_file", "a", True))

    assert (session.files_created, session.files_modified) == (["a"], [])


def test_failed_calls_do_not_count():
    """A call that failed touched nothing."""
    session = _session(("write_file", "a", False), ("edit_file", "b", False))

    assert (session.files_created, session.files_modified) == ([], [])


def test_each_file_is_listed_once_in_order():
    """The lists are ordered sets."""
    session = _session(*[("edit_file", name, True) for name in ("b", "a", "b", "/p/a")], ("delete_file", "c", True))

    assert session.files_modified == ["b", "a", "c"]


def test_reading_lists_nothing():
    """Reading is no change."""
    assert _session(("read_file", "a", True)).files_modified == []


def test_the_table_is_normal():
    """Names in the table are as the lookup makes them: lower case, without separators."""
    assert all(name.isalnum() and name == name.lower() for name in TOOLS)


@pytest.mark.parametrize(
    ("command", "touches"),
    [
        ("mkdir -p docs && cat > docs/a.md <<'END'\n# a\nmv b c\nEND", [("write", "docs/a.md")]),
        ("cat <<END >> notes.txt\nx\nEND", [("modify", "notes.txt")]),
        ("cat >a.txt <<END\nx\nEND", [("write", "a.txt")]),
        (["bash", "-lc", "git mv a b"], [("create", "b")]),
        (["mv", "a", "b c"], [("create", "b c")]),
        ("cat > $HOME/a <<END\nx\nEND", []),
        ("cat a > b", []),
        ("python3 - <<END\nmv a b\nEND", []),
        ([1, "mv"], []),
    ],
)
def test_what_a_command_line_surely_makes(command, touches):
    """Files renamed, and files written from the line itself; the text in it is no command."""
    assert _touched("shell", command=command) == touches
