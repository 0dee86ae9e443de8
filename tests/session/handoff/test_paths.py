"""Paths of another machine in texts and values, and names made of paths."""

from __future__ import annotations

import pytest

from superqode.session.handoff import HandoffError
from superqode.session.handoff.base import PlannedFile
from superqode.session.handoff.names import call_id, folder_name, make_uuid, tool_name
from superqode.session.handoff.paths import PathMap

from . import scenes

OLD, NEW = "/home/ann/proj", "/srv/bob"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cat /home/ann/proj/a.py", "cat /srv/bob/a.py"),
        ("in /home/ann/proj.", "in /srv/bob."),
        ("--dir=/home/ann/proj", "--dir=/srv/bob"),
        ('"/home/ann/proj":1', '"/srv/bob":1'),
        ("file:///home/ann/proj/x", "file:///srv/bob/x"),
        ("(/home/ann/proj)", "(/srv/bob)"),
        ("/home/ann/proj-old", "/home/ann/proj-old"),
        ("/home/ann/proj.bak", "/home/ann/proj.bak"),
        ("/home/ann/project", "/home/ann/project"),
        ("/mnt/home/ann/proj", "/mnt/home/ann/proj"),
        ("/home/ann/projé", "/home/ann/projé"),
        ("/home/ann", "/home/ann"),
    ],
    ids=lambda value: value,
)
def test_a_path_is_changed_where_it_is_the_path(text, wanted):
    """Only the folder itself and what lies in it is meant, never another name that begins or ends like it."""
    assert PathMap(OLD, NEW).text(text) == wanted


def test_values_change_in_depth_but_what_is_signed():
    """Texts and names of members at any depth change; an object with a signature stays as it is, to the byte."""
    signed = {"thinking": OLD, "signature": "c2ln"}
    paths = PathMap(OLD, NEW)
    value = {OLD: [OLD, {"x": f"{OLD}/y"}], "signed": signed, "n": 1}
    changed = paths.value(value, leave=frozenset({"signature"}))
    assert changed == {NEW: [NEW, {"x": f"{NEW}/y"}], "signed": signed, "n": 1}
    assert paths.changed == 3


def test_json_text_is_changed_inside():
    """In arguments that are JSON text, a path behind an escape is found; what needs no change keeps its spelling."""
    paths = PathMap(OLD, NEW)
    assert paths.json_text('{"cmd":"ls\\n/home/ann/proj"}') == '{"cmd": "ls\\n/srv/bob"}'
    assert paths.json_text('{"n":1e2}') == '{"n":1e2}'
    assert paths.json_text("no JSON in /home/ann/proj") == "no JSON in /srv/bob"


@pytest.mark.parametrize(
    ("old", "new"),
    [("/", NEW), ("/proj", NEW), ("", NEW), (OLD, OLD), (OLD + "/", OLD), (OLD, "C:\\x\\y"), ("proj", NEW)],
    ids=["root", "shallow", "none", "same", "slash", "windows", "relative"],
)
def test_nothing_is_changed_where_the_path_does_not_tell(old, new):
    """A folder too high up, none at all, the same one, or one of another kind of system changes nothing."""
    paths = PathMap(old, new)
    assert not paths
    assert paths.value({"a": f"{old}/x"}) == {"a": f"{old}/x"}


def test_windows_paths_become_windows_paths():
    """From one Windows machine to another the path is changed as well."""
    assert PathMap("C:\\Users\\ann\\p", "D:\\w").text("type C:\\Users\\ann\\p\\x.py") == "type D:\\w\\x.py"


def test_folders_are_named_as_the_agents_name_them():
    """Every UTF-16 unit that is no ASCII letter or digit is a hyphen; a long name is cut and hashed as seen."""
    assert folder_name("/home/dev/work/a.b_c") == "-home-dev-work-a-b-c"
    assert folder_name("/p/é🎉") == "-p----"
    long = "/tmp/demo/" + "q" * 110 + "/" + "q" * 110
    assert folder_name(long) == folder_name(long)[:200] + "-mzapue"
    assert len(folder_name(long)) == 207


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Read", "Read"), ("functions.exec", "functions_exec"), ("2fast", "tool_2fast"), ("", "tool"), ("工具", "tool")],
    ids=["plain", "dot", "digit", "empty", "foreign"],
)
def test_names_of_tools(raw, name):
    """A tool's name keeps what can be kept of it."""
    assert tool_name(raw) == name


def test_ids_are_made_of_their_parts_alone():
    """The same parts give the same id; a UUID stays itself; different ids never become one."""
    assert make_uuid("a", "b") == make_uuid("a", "b") != make_uuid("a", "c")
    assert make_uuid("8d0f7e2a-1111-4222-8333-444455556666") == "8d0f7e2a-1111-4222-8333-444455556666"
    assert call_id("a b") != call_id("a/b")


@pytest.mark.parametrize("path", ["", "/x", "../x", "a/../b", "a//b", "a/.", "a\\b", "a\0b", "C:x", "a/"], ids=repr)
def test_a_planned_file_stays_in_its_folder(path):
    """No path leads out of the agent's folder, whatever made it."""
    with pytest.raises(ValueError, match="no path below a folder"):
        PlannedFile(path, b"")


@pytest.mark.parametrize("project", ["", "proj", "./x", "/a\nb", "/a\0b"], ids=repr)
def test_a_project_is_an_absolute_path(project):
    """A place that could not be named in an agent's file is refused."""
    for name in scenes.NAMES:
        with pytest.raises(HandoffError, match="absolute path"):
            scenes.hand(name, scenes.small(), project=project)
