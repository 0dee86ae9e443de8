"""Messages of share commits: what they say in clear, there and back, and hostile ones refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sharing.whole import MOMENT, OIDS, SHARE_ID
from strategies import session_ids, texts
from superqode.session.codec import message
from superqode.session.codec.message import SharedSnapshot
from superqode.session.errors import ShareError, ShareTampered, ShareTooLarge
from superqode.session.sharing.trailers import (
    EnvelopeTrailers,
    PublicTrailers,
    compose_envelope,
    compose_public,
    parse_envelope,
    parse_public,
)

WEEK = datetime(2026, 11, 29, 10, tzinfo=UTC)
PUBLIC = PublicTrailers(
    share_id=SHARE_ID,
    session_id="session-123",
    title="Fix SQL injection",
    created_at=MOMENT,
    expires_at=WEEK,
    allow_fork=True,
    allow_view_history=False,
    generation=2,
    snapshots=(
        SharedSnapshot("before-review", OIDS[0], MOMENT, "Before review"),
        SharedSnapshot("snap-2", OIDS[1], MOMENT, ""),
    ),
    saved_at=MOMENT,
    messages=(5, 0),
    tools=(2, 0),
)
MESSAGE = f"""\
share: Fix SQL injection

Superqode-Share: {SHARE_ID}
Superqode-Session: session-123
Superqode-Created: 2026-11-22T10:00:00.000000Z
Superqode-Expires: 2026-11-29T10:00:00Z
Superqode-Allow-Fork: yes
Superqode-View-History: no
Superqode-Generation: 2
Superqode-Snapshot: before-review {OIDS[0]} 2026-11-22T10:00:00.000000Z Before review
Superqode-Snapshot: snap-2 {OIDS[1]} 2026-11-22T10:00:00.000000Z
Superqode-Saved-At: 2026-11-22T10:00:00.000000Z
Superqode-Messages: 5 +0
Superqode-Tools: 2 +0
""".encode()
ENVELOPE = f"share\n\nSuperqode-Share: {SHARE_ID}\n".encode()

# As far as whole seconds rounded up stay in the calendar.
_times = st.datetimes(max_value=datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))  # noqa: DTZ001


def test_an_encrypted_share_says_two_things():
    """Its id and when it expires, in whole seconds that are never too early; nothing else."""
    assert compose_envelope(SHARE_ID, None) == ENVELOPE
    expiring = ENVELOPE + b"Superqode-Expires: 2026-11-29T10:00:00Z\n"
    assert compose_envelope(SHARE_ID, WEEK) == expiring
    assert compose_envelope(SHARE_ID, WEEK - timedelta(microseconds=1)) == expiring
    assert parse_envelope(ENVELOPE, SHARE_ID) == EnvelopeTrailers(SHARE_ID, None)
    assert parse_envelope(expiring, SHARE_ID) == EnvelopeTrailers(SHARE_ID, WEEK)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"share\n",
        ENVELOPE[:-1],
        ENVELOPE + b"\n",
        ENVELOPE + b"Signed-off-by: Ada Example\n",
        ENVELOPE.replace(b"share\n", b"share: a title\n"),
        ENVELOPE.replace(b"\n", b"\r\n"),
        ENVELOPE.replace(SHARE_ID.encode(), b"z" * 26),
        ENVELOPE.replace(SHARE_ID.encode(), b"x"),
        ENVELOPE + b"Superqode-Expires: never\n",
        ENVELOPE + b"Superqode-Expires: 2026-13-29T10:00:00Z\n",
        ENVELOPE + b"Superqode-Expires: 2026-11-29T10:00:00.5Z\n",
        ENVELOPE + b"Superqode-Expires: 2026-11-29T10:00:00Z\n" * 2,
        b"x" * 10_000_000,
    ],
    ids=range(14),
)
def test_an_encrypted_share_says_nothing_else(data):
    """Any other message is ShareTampered: a title, a name or a note would be in clear."""
    with pytest.raises(ShareTampered):
        parse_envelope(data, SHARE_ID)


def test_a_public_share_is_as_documented():
    """Title, trailers of the share, trailers of a save: byte for byte."""
    assert compose_public(PUBLIC) == MESSAGE
    assert parse_public(MESSAGE, SHARE_ID) == PUBLIC


def test_a_public_share_reads_as_a_save():
    """`git log`'s reader of ordinary commits understands it too."""
    story = message.parse(MESSAGE)

    assert (story.session_id, story.saved_at, story.messages) == ("session-123", MOMENT, (5, 0))
    assert story.subject == "share: Fix SQL injection"


@given(
    texts, session_ids, _times, st.none() | _times, st.booleans(), st.booleans(), st.integers(1, 10**15 - 1),
    st.lists(st.tuples(session_ids, st.sampled_from(OIDS), _times, texts), max_size=3),
)  # fmt: skip
def test_public_shares_are_read_again(title, session_id, created, expires, fork, history, generation, snapshots):
    """Whatever the title and descriptions hold, nothing is forged or lost but length and line breaks."""
    given_out = PublicTrailers(
        SHARE_ID, session_id, title, created, expires, fork, history, generation,
        tuple(SharedSnapshot(*each) for each in snapshots),
    )  # fmt: skip

    once = parse_public(compose_public(given_out), SHARE_ID)

    assert replace(once, title="", expires_at=None, snapshots=()) == replace(
        given_out, title="", expires_at=None, snapshots=()
    )
    assert (once.expires_at is None) == (expires is None)
    assert [each[:3] for each in once.snapshots] == [each[:3] for each in given_out.snapshots]
    assert len(once.title) <= 100
    assert parse_public(compose_public(once), SHARE_ID) == once


def test_what_a_reader_does_not_know_is_passed_over():
    """Trailers of a later version or of other tools, in any order, change nothing."""
    head, tail = MESSAGE.split(b"\n\n")
    lines = tail.decode().splitlines()
    others = ["Superqode-New: 1", "Signed-off-by: Ada Example <ada@example.invalid>"]
    turned = "\n".join([*reversed(lines[-5:]), *others, *lines[:-5]])

    found = parse_public(head + b"\n\n" + turned.encode() + b"\n", SHARE_ID)

    assert replace(found, snapshots=()) == replace(PUBLIC, snapshots=())
    assert sorted(found.snapshots) == sorted(PUBLIC.snapshots)


@pytest.mark.parametrize("name", ["Share", "Session", "Created", "Allow-Fork", "View-History", "Generation"], ids=str)
def test_each_trailer_is_there_once(name):
    """A missing or doubled trailer is ShareTampered and named: nobody guesses which one counts."""
    lines = MESSAGE.decode().splitlines(keepends=True)
    line = next(line for line in lines if line.startswith(f"Superqode-{name}: "))

    with pytest.raises(ShareTampered, match=rf"0 lines Superqode-{name}"):
        parse_public(MESSAGE.replace(line.encode(), b""), SHARE_ID)
    with pytest.raises(ShareTampered, match=rf"2 lines Superqode-{name}"):
        parse_public(MESSAGE + line.encode(), SHARE_ID)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"share: ", b"user: "),
        (b"share: ", b"shared "),
        (b"share: Fix", b"share: Fix\n"),
        (b"\n\n", b"\n"),
        (b"Fix", b"\xff"),
        (b"Fix", b"\x1b[2J"),
        (b"Before review", b"\x1b[2J"),
        (b"Before review", b"a\rb"),
        (SHARE_ID.encode(), b"z" * 26),
        (b"session-123", b"../x"),
        (b"session-123", b""),
        (b"session-123", b"a b"),
        (b"session-123", b"x" * 300),
        (b"2026-11-22T10:00:00.000000Z\nSuperqode-Expires", b"yesterday\nSuperqode-Expires"),
        (b"2026-11-29T10:00:00Z", b"never"),
        (b"Fork: yes", b"Fork: maybe"),
        (b"Fork: yes", b"Fork: "),
        (b"History: no", b"History: NO"),
        (b"Generation: 2", b"Generation: 0"),
        (b"Generation: 2", b"Generation: -1"),
        (b"Generation: 2", b"Generation: 1e3"),
        (b"Generation: 2", b"Generation: " + b"9" * 5_000),
        (b"snap-2 ", b"../snap "),
        (b"snap-2 ", b""),
        (b"snap-2 " + OIDS[1].encode(), b"snap-2 HEAD"),
        (b"snap-2 " + OIDS[1].encode() + b" 2026", b"snap-2 " + OIDS[1].encode() + b" x2026"),
    ],
    ids=range(26),
)
def test_hostile_messages_are_refused(old, new):
    """Malformed subjects, ids, times, answers and snapshots are ShareTampered, in few words."""
    assert old in MESSAGE
    with pytest.raises(ShareTampered) as caught:
        parse_public(MESSAGE.replace(old, new, 1), SHARE_ID)
    assert len(str(caught.value)) < 400
    assert "\x1b" not in str(caught.value)


def test_endless_messages_are_refused():
    """More than a mebibyte is no message of ours."""
    with pytest.raises(ShareTooLarge):
        parse_public(MESSAGE + b"x" * 1024 * 1024, SHARE_ID)


@given(st.binary(max_size=200), st.booleans())
def test_random_messages_are_refused(data, begun):
    """Random bytes, also behind a good beginning, are an error of ours or a good message."""
    try:
        found = parse_public(MESSAGE + data if begun else data, SHARE_ID)
    except ShareError:
        return
    assert found.share_id == SHARE_ID
