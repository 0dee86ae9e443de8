"""Ids: what is refused never gets near a ref or a path; what is made sorts by time."""

import random
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import hostile_ids
from superqode.session import ids
from superqode.session.errors import InvalidSessionId


@pytest.mark.parametrize("hostile", hostile_ids, ids=ascii)
def test_hostile_ids_are_refused(hostile):
    """Paths, options, revisions, devices and reserved names are no ids, and the error says what an id is."""
    assert not ids.is_session_id(hostile)
    with pytest.raises(InvalidSessionId, match=r"is no session id: .* Use 1 to 128 of") as caught:
        ids.validate_session_id(hostile)
    assert caught.value.session_id == hostile


@pytest.mark.parametrize("other", [None, 5, b"bytes", ["x"], 1.5])
def test_what_is_not_text_is_refused(other):
    """An id is text."""
    with pytest.raises(InvalidSessionId, match="it is not text"):
        ids.validate_session_id(other)
    assert not ids.is_session_id(other)


@pytest.mark.parametrize(
    "good", ["a", "0", "session-123", "A.b_c-d", "x" * 128, "con1", "console", "my.locker", "0" * 39, "a.lockx"]
)
def test_ordinary_ids_pass(good):
    """What only looks like something refused is an id, and comes back as it is."""
    assert ids.validate_session_id(good) == good
    assert ids.is_session_id(good)


def test_git_takes_every_id_for_a_branch(tmp_path):
    """Whatever passes, of thousands of strings of the characters that matter, is a ref's name for git itself."""
    chance = random.Random(7)
    strings = ["".join(chance.choices("aA0.-_@{}/\\~^: kcolHED", k=chance.randint(1, 6))) for _ in range(20_000)]
    passed = sorted({name for name in strings if ids.is_session_id(name)})
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)

    asked = "".join(f"verify refs/heads/{name} {'0' * 40}\n" for name in passed)
    done = subprocess.run(
        ["git", "-C", str(tmp_path), "update-ref", "--stdin"], input=asked, text=True, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(passed) > 1_000


def test_made_ids_are_valid_random_and_sort_by_time(still_clock):
    """Generated ids are ids, differ, and their order is the order of making."""
    made = []
    for _ in range(200):
        made.append(ids.new_session_id())
        still_clock.advance(seconds=1)

    assert all(ids.is_session_id(name) for name in made)
    assert made == sorted(made)
    assert len({name.rpartition("-")[2] for name in made}) == 200
    assert made[0].startswith("20261122-100000-")


def test_entry_and_snapshot_ids_tell_what_they_are(still_clock):
    """An id tells its kind at a glance, and a snapshot's may become a tag."""
    assert ids.new_entry_id("msg").startswith("msg-")
    assert len(ids.new_entry_id("call")) == len("call-") + 12
    assert ids.new_snapshot_id().startswith("snap-20261122-100000-")
    assert ids.is_session_id(ids.new_snapshot_id())


@given(st.text(max_size=80), st.sampled_from(["agent", "user"]))
def test_slugs_are_short_and_plain(text, fallback):
    """Any text becomes a slug that an address or a file name can hold."""
    slug = ids.slugify(text, fallback)

    assert 1 <= len(slug) <= ids.SLUG_MAX
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug.strip("-") == slug


def test_slugs_keep_the_words():
    """A slug is what one expects, and the fallback where nothing is left."""
    assert ids.slugify("Security Tester (v2)", "agent") == "security-tester-v2"
    assert ids.slugify("测试", "agent") == "agent"
