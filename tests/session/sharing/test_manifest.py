"""The manifest: whole there and back, padded, and every rule of FORMAT.md."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from session.sharing.whole import MOMENT, OIDS, SHARE_ID, make_manifest
from strategies import hostile_ids, moments, session_ids, texts
from superqode.session.errors import InvalidShareConfig, ShareTampered, UnknownShareVersion
from superqode.session.git.refs import is_ref_name
from superqode.session.ids import is_session_id
from superqode.session.sharing.header import Header
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.layout import EnvelopeTree
from superqode.session.sharing.manifest import Manifest, Segment, check_segments, open_manifest, seal_manifest
from superqode.session.sharing.tokens import open_token, seal

KEYS = ContentKeys(bytes(32), Header(SHARE_ID, 4096))
FIELDS = json.loads(make_manifest().encode())


def _open(values):
    """Open a manifest of these values, sealed under the right key: what somebody with link and password could do."""
    data = values if isinstance(values, bytes) else json.dumps(values).encode()
    return open_manifest(KEYS, seal(KEYS.manifest(), data.ljust(-(-len(data) // 1024) * 1024)))


def test_a_manifest_is_as_documented():
    """JSON with sorted keys, padded with spaces to a multiple of 1024; times with six digits."""
    data = make_manifest(expires_at=datetime(2026, 11, 29, 10, tzinfo=UTC)).encode()
    values = json.loads(data)

    assert len(data) == 1024
    assert data == json.dumps(values, sort_keys=True, separators=(",", ":")).encode().ljust(1024)
    assert values == {
        "format": "superqode-share-manifest",
        "version": 1,
        "share_id": SHARE_ID,
        "session_id": "session-123",
        "title": "Fix SQL injection",
        "visibility": "unlisted",
        "allow_fork": True,
        "allow_view_history": True,
        "created_at": "2026-11-22T10:00:00.000000Z",
        "updated_at": "2026-11-22T10:00:00.000000Z",
        "expires_at": "2026-11-29T10:00:00.000000Z",
        "created_by": "Ada Example",
        "generation": 1,
        "refs": {"refs/heads/session-123": OIDS[0], "refs/tags/session-123/snap-1": OIDS[1]},
        "segments": [{"id": 0, "chunks": 3, "size": 10_000, "sha256": "a" * 64, "tip": OIDS[0], "prerequisite": None}],
    }


@given(
    texts, texts, moments, st.none() | moments, session_ids, st.lists(session_ids, max_size=4), st.integers(1, 2**53)
)
def test_manifests_are_read_again(title, name, created, expires, session_id, snapshots, generation):
    """Titles and names as nasty as they come, times in any zone, any snapshots: all survive."""
    refs = {f"refs/heads/{session_id}": OIDS[0]} | {f"refs/tags/{session_id}/{each}": OIDS[2] for each in snapshots}
    manifest = make_manifest(
        title=title, created_by=name, created_at=created, expires_at=expires,
        session_id=session_id, refs=refs, generation=generation,
    )  # fmt: skip

    again = open_manifest(KEYS, seal_manifest(KEYS, manifest))

    assert again == manifest
    assert again.tip == OIDS[0]


def test_the_length_says_little():
    """Titles of 1 and of 300 characters give files of one length."""
    assert len({len(seal_manifest(KEYS, make_manifest(title="x" * count))) for count in (0, 1, 100, 300)}) == 1


def test_a_manifest_does_not_change():
    """Neither its fields nor its refs can be assigned."""
    manifest = make_manifest()
    with pytest.raises(ValidationError):
        manifest.title = "x"
    with pytest.raises(TypeError):
        manifest.refs["refs/heads/x"] = OIDS[0]


def test_a_manifest_that_is_too_long_is_not_written():
    """A title of a million characters is the owner's error, told before anything is sent."""
    with pytest.raises(InvalidShareConfig, match=r"manifest would have .* Shorten the title"):
        seal_manifest(KEYS, make_manifest(title="é" * 1_000_000))
    assert open_manifest(KEYS, seal_manifest(KEYS, make_manifest(title="x" * 1_000_000))).title == "x" * 1_000_000


SEGMENT = FIELDS["segments"][0]
SECOND = {"id": 1, "chunks": 1, "size": 1, "sha256": "b" * 64, "tip": OIDS[1], "prerequisite": OIDS[0]}
BRANCH = {"refs/heads/session-123": OIDS[0]}


@pytest.mark.parametrize(
    "change",
    [
        {"format": "superqode-share"},
        {"format": None},
        {"version": True},
        {"version": "1"},
        {"share_id": "0" * 26},
        {"share_id": None},
        {"session_id": "../x"},
        {"session_id": "other"},
        {"title": None},
        {"title": 7},
        {"visibility": "secret"},
        {"visibility": None},
        {"allow_fork": 1},
        {"allow_fork": "yes"},
        {"allow_view_history": None},
        {"created_at": 1_795_341_660},
        {"created_at": "2026-11-22"},
        {"created_at": None},
        {"updated_at": "2026-11-22T10:00:00+01:00"},
        {"expires_at": "never"},
        {"expires_at": 0},
        {"created_by": None},
        {"generation": 0},
        {"generation": True},
        {"generation": "1"},
        {"generation": 1.0},
        {"generation": 2**53 + 1},
        {"refs": {}},
        {"refs": []},
        {"refs": {"refs/tags/session-123/snap": OIDS[0]}},
        {"refs": {"refs/heads/other": OIDS[0]}},
        {"refs": BRANCH | {"refs/heads/other": OIDS[0]}},
        {"refs": BRANCH | {"HEAD": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/other/snap": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/session-123": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/session-123/": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/session-123/a/b": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/session-123/../../heads/x": OIDS[0]}},
        {"refs": BRANCH | {"refs/tags/session-123/a": OIDS[0], "refs/tags/session-123/A": OIDS[0]}},
        {"refs": {"refs/heads/session-123": "HEAD"}},
        {"refs": {"refs/heads/session-123": "1" * 39}},
        {"refs": {"refs/heads/session-123": "1" * 40 + "\n"}},
        {"refs": {"refs/heads/session-123": "A" * 40}},
        {"refs": {"refs/heads/session-123": None}},
        {"segments": []},
        {"segments": {}},
        {"segments": [SEGMENT | {"id": 1}]},
        {"segments": [SECOND, SEGMENT]},
        {"segments": [SEGMENT, SEGMENT]},
        {"segments": [SEGMENT, SECOND | {"id": 2}]},
        {"segments": [SEGMENT, SECOND | {"prerequisite": OIDS[2]}]},
        {"segments": [SEGMENT, SECOND | {"prerequisite": OIDS[1]}]},
        {"segments": [SEGMENT | {"prerequisite": OIDS[0]}]},
        {"segments": [SEGMENT | {"chunks": 0, "size": 0}]},
        {"segments": [SEGMENT | {"chunks": 2}]},
        {"segments": [SEGMENT | {"chunks": 4}]},
        {"segments": [SEGMENT | {"chunks": 3.0}]},
        {"segments": [SEGMENT | {"size": 4096 * 3 + 1}]},
        {"segments": [SEGMENT | {"size": 4096 * 2}]},
        {"segments": [SEGMENT | {"size": -1}]},
        {"segments": [SEGMENT | {"size": True, "chunks": 1}]},
        {"segments": [SEGMENT | {"sha256": "a" * 63}]},
        {"segments": [SEGMENT | {"sha256": "A" * 64}]},
        {"segments": [SEGMENT | {"tip": "x"}]},
        {"segments": [SEGMENT | {"x": 1}]},
        {"segments": [SEGMENT | {"chunks": 60_000, "size": 60_000 * 4096}, SECOND | {"chunks": 60_000, "size": 60_000 * 4096}]},
        {"segments": [None]},
        {"more": 1},
    ],
    ids=range(68),
)  # fmt: skip
def test_what_no_manifest_says_is_tampered_with(change):
    """Each rule, broken by somebody who has the key, is ShareTampered in few words."""
    assert _open(FIELDS) == make_manifest()

    with pytest.raises(ShareTampered, match=SHARE_ID) as caught:
        _open(FIELDS | change)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("field", sorted(set(FIELDS)), ids=str)
def test_no_field_may_be_missing(field):
    """A manifest has all its fields; nothing is made up for a reader."""
    with pytest.raises(ShareTampered):
        _open({name: value for name, value in FIELDS.items() if name != field})


@pytest.mark.parametrize("field", sorted(SEGMENT), ids=str)
def test_no_field_of_a_segment_may_be_missing(field):
    """A segment has all its fields, an empty prerequisite as well."""
    with pytest.raises(ShareTampered):
        _open(FIELDS | {"segments": [{name: value for name, value in SEGMENT.items() if name != field}]})


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b"{" * 1_000_000, json.dumps(FIELDS).encode("utf-16"), b"1" * 1_047_000],
    ids=["empty", "object", "list", "bytes", "deep", "utf-16", "number"],
)
def test_what_is_no_json_is_tampered_with(data):
    """Anything else under the right key is ShareTampered, not a crash."""
    with pytest.raises(ShareTampered):
        _open(data)


def test_an_unpadded_or_longer_manifest_is_refused():
    """A plaintext that is no multiple of 1024, or longer than a manifest may be."""
    data = make_manifest().encode()
    for other in (data.rstrip(), data + b" ", data.ljust(1_048_576)):
        with pytest.raises(ShareTampered, match="its manifest has"):
            open_manifest(KEYS, seal(KEYS.manifest(), other))


def test_a_manifest_of_another_version_is_named():
    """A version to come is UnknownShareVersion, whatever else is in it."""
    with pytest.raises(UnknownShareVersion) as caught:
        _open({"format": "superqode-share-manifest", "version": 2, "new": {}})
    assert caught.value.found == "2 in its manifest"


def test_a_manifest_opens_only_under_its_own_key():
    """Another data key, another header or a chunk's key: ShareTampered, and says what does not open."""
    raw = seal_manifest(KEYS, make_manifest())
    for other in (ContentKeys(b"x" * 32, KEYS.header), ContentKeys(KEYS.data_key, Header(SHARE_ID, 4097))):
        with pytest.raises(ShareTampered, match="its manifest does not open"):
            open_manifest(other, raw)
    with pytest.raises(ShareTampered, match="its manifest does not open"):
        open_manifest(KEYS, seal(KEYS.chunk(0, 0, final=True), open_token(KEYS.manifest(), raw)))


def test_hostile_names_do_not_reach_a_terminal():
    """The name of a field that should not be there is cut and quoted."""
    with pytest.raises(ShareTampered) as caught:
        _open(FIELDS | {"\x1b[2J" + "x" * 10_000: 1})
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


@given(session_ids | st.sampled_from(hostile_ids) | st.text(max_size=140))
def test_an_id_is_always_a_ref_name(name):
    """Whatever may be an id may stand in a ref's name, which is all that the manifest checks."""
    if is_session_id(name):
        assert is_ref_name(f"refs/heads/{name}")
        assert is_ref_name(f"refs/tags/{name}/{name}")


def test_an_update_builds_on_any_earlier_segment():
    """A prerequisite may be the tip of any earlier segment, or none for a whole new start."""
    first, second = Segment(**SEGMENT), Segment(**SECOND)
    third = Segment(id=2, chunks=1, size=9, sha256="c" * 64, tip=OIDS[2], prerequisite=OIDS[0])
    manifest = make_manifest(segments=(first, second, third, third.model_copy(update={"id": 3, "prerequisite": None})))

    assert open_manifest(KEYS, seal_manifest(KEYS, manifest)) == manifest
    assert isinstance(manifest, Manifest)
    assert manifest.created_at == MOMENT


def test_the_tree_has_exactly_the_manifest_s_segments():
    """More or fewer segments or chunks than the manifest names are ShareTampered."""
    manifest = make_manifest()
    check_segments(manifest, EnvelopeTree((0,), (3,), 0))
    for found in ((2,), (4,), (3, 1), ()):
        with pytest.raises(ShareTampered, match="its manifest names 1 segments with 3 chunks"):
            check_segments(manifest, EnvelopeTree((0,), found, 0))
