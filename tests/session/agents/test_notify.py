"""Codex's `notify`: at the top, the rest byte for byte, and what stood there before is still told."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.agents.notify import Notify

EDIT = Notify()
SHIM = '/home/ann/it\'s "a" store/é/superqode-rescue'
PLAIN = '# mine\nmodel = "x" # best\n\n[tools]\nnotify = ["not", "this"]\ntext = """\nnotify = ["nor this"]\n"""\n'
_WORDS = st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6), min_size=1, max_size=3)


def test_a_file_without_it_gets_it_at_the_top():
    """Every byte of the rest stays; twice is once; out again it is what it was."""
    after = EDIT.added(PLAIN, SHIM)
    assert after.endswith("\n" + PLAIN)
    assert tomllib.loads(after) == {"notify": [SHIM, "codex"], **tomllib.loads(PLAIN)}
    assert EDIT.added(after, SHIM) == after
    assert EDIT.removed(after) == PLAIN
    assert EDIT.removed(PLAIN) == PLAIN
    assert EDIT.removed(EDIT.added("", SHIM)) == ""


@given(_WORDS, st.sampled_from(["notify = {}\n", '"notify"={}  # why\n', "notify = \\\n{}\n"]), st.booleans())
def test_what_was_notified_before_still_is(words, written, crlf):
    """It is kept behind our own command and comes back; what stands before and behind it stays byte for byte."""
    line = written.replace("\\\n", "").format(json.dumps(words, ensure_ascii=False))
    text = 'model = "x"\n' + line + "[tools]\nnotify = 1\n"
    text = text.replace("\n", "\r\n") if crlf else text
    after = EDIT.added(text, SHIM)
    assert tomllib.loads(after)["notify"] == [SHIM, "codex", "--then", *words]
    assert EDIT.added(after, SHIM) == after
    newer = EDIT.added(after, "/other/superqode-rescue")
    assert tomllib.loads(newer)["notify"] == ["/other/superqode-rescue", "codex", "--then", *words]
    back = EDIT.removed(newer)
    assert tomllib.loads(back) == tomllib.loads(text)
    end = "\r\n" if crlf else "\n"
    assert back.startswith(f'model = "x"{end}')
    assert back.endswith(f"[tools]{end}notify = 1{end}")


def test_a_list_over_several_lines_is_replaced_whole():
    """As people write longer ones."""
    text = 'a = 1\nnotify = [\n  "one", # first\n  "two",\n]\nb = """\nnotify = [\n"""\n'
    after = EDIT.added(text, "/s/superqode-rescue")
    assert (
        after == 'a = 1\nnotify = ["/s/superqode-rescue", "codex", "--then", "one", "two"]\nb = """\nnotify = [\n"""\n'
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("notify = 5\n", "no list of words"),
        ("notify = [1]\n", "no list of words"),
        ("= broken", "no TOML"),
        ("\ufeffa = 1", "no TOML"),
        ('notify = ["a\\u0007"]\n', "control character"),
        ('a = nan\nnotify = ["x"]\n', "cannot be told"),
    ],
)
def test_what_cannot_be_edited_is_refused(text, reason):
    """Damage, other kinds of values, and what cannot be checked afterwards."""
    with pytest.raises(ValueError, match=reason):
        EDIT.added(text, SHIM)
