"""Our entry in an agent's settings.json: put in once, taken out alone, and never at the cost of anything else."""

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.agents.settings import JsonHook

HOOK = JsonHook("claude-code", "Stop")
SHIM = "/home/ann/it's a store/superqode/agents/superqode-rescue"
OTHER = {"hooks": [{"type": "command", "command": "say done"}]}

_GROUPS = st.lists(
    st.fixed_dictionaries({"hooks": st.lists(st.fixed_dictionaries({"command": st.text(max_size=5)}), max_size=2)}),
    max_size=3,
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(max_size=5),
        "hooks": st.dictionaries(st.sampled_from(["Stop", "SessionEnd"]), _GROUPS, max_size=2),
        "env": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    },
)


@given(_SETTINGS, st.sampled_from([None, 2, 4, "\t"]))
def test_putting_in_and_taking_out_leaves_what_was_there(settings, indent):
    """Once in, twice is no change; every other value stays in its order, and out again ours alone is gone."""
    text = json.dumps(settings, indent=indent)
    with_ours = HOOK.added(text, SHIM)
    assert HOOK.found(with_ours) == [HOOK.command(SHIM)]
    assert HOOK.added(with_ours, SHIM) == with_ours
    after = json.loads(with_ours)
    assert list(after) == list(settings) + ([] if "hooks" in settings else ["hooks"])
    assert after["hooks"]["Stop"][:-1] == settings.get("hooks", {}).get("Stop", [])
    back = HOOK.removed(with_ours)
    assert HOOK.found(back) == []
    assert _without_empty(json.loads(back)) == _without_empty(settings)
    if settings.get("hooks", {}).get("Stop"):
        assert back == text


def _without_empty(settings):
    hooks = {name: groups for name, groups in settings.get("hooks", {}).items() if groups}
    return (
        {**settings, "hooks": hooks} if hooks else {name: value for name, value in settings.items() if name != "hooks"}
    )


def test_comments_numbers_and_layout_stay_as_they_are_written():
    """What a JSON writer would write otherwise is not touched: 1.0, escapes, several on a line."""
    text = '{ "a": 1.00, "b": [1,2],\n   "c": "\\u00e9",\n   "hooks": {"Stop": []} }'
    after = HOOK.added(text, SHIM)
    assert after.startswith('{ "a": 1.00, "b": [1,2],\n   "c": "\\u00e9",\n   "hooks": {"Stop": [')
    assert json.loads(after)["hooks"]["Stop"][0]["hooks"][0]["command"] == HOOK.command(SHIM)


@pytest.mark.parametrize("text", ["", "  \n", "{}"])
def test_settings_that_are_empty_get_ours(text):
    """No file, an empty one and an empty object."""
    assert json.loads(HOOK.added(text, SHIM)) == {"hooks": {"Stop": [{"hooks": [_entry()]}]}}


def _entry():
    return {"type": "command", "command": HOOK.command(SHIM)}


def test_ours_among_others_goes_alone():
    """In a group that people put it into, only our command is taken out; that of another store is replaced."""
    mixed = {"hooks": {"Stop": [{"matcher": "", "hooks": [_entry(), *OTHER["hooks"]]}, OTHER]}}
    assert json.loads(HOOK.removed(json.dumps(mixed))) == {
        "hooks": {"Stop": [{"matcher": "", "hooks": OTHER["hooks"]}, OTHER]}
    }
    moved = HOOK.added(json.dumps(mixed), "/new/superqode-rescue")
    assert HOOK.found(moved) == [HOOK.command("/new/superqode-rescue")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n  // mine\n  "a": 1\n}', "comments"),
        ('{"a": 1', "no JSON"),
        ("[]", "no JSON object"),
        ('{"hooks": []}', "hooks are no object"),
        ('{"hooks": {"Stop": {}}}', "Stop is no list"),
        ('{"hooks": {}, "hooks": {}}', "several times"),
        ("[" * 100_000, "deep"),
    ],
)
def test_what_cannot_be_edited_is_refused(text, reason):
    """Comments, damage and other shapes are told, and nothing is made of them."""
    with pytest.raises(ValueError, match=reason):
        HOOK.added(text, SHIM)


def test_the_command_runs_what_has_quotes_in_its_path_and_succeeds_without_it(tmp_path):
    """A shell takes it as it is meant; where the store is gone, nothing happens, and that successfully."""
    shim = tmp_path / 'it\'s "a" $HOME store' / "superqode-rescue"
    assert subprocess.run(["sh", "-c", HOOK.command(str(shim))], check=False).returncode == 0
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\necho \"$1\" >'{tmp_path}/ran'\nexit 1\n")
    shim.chmod(0o755)
    assert subprocess.run(["sh", "-c", HOOK.command(str(shim))], check=False).returncode == 0
    assert (tmp_path / "ran").read_text() == "claude-code\n"
