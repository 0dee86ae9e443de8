"""Exports of superqode, this version's and 2.25's: checked, bounded, and back as they were."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import urllib.parse
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superqode.session.ids import is_session_id
from superqode.session.importers import wholefile
from superqode.session.importers.base import Source
from superqode.session.importers.exports import ExportImporter, checksum_of
from superqode.session.models import Session

from . import olddata
from .olddata import needs_recordings, only, recorded, refused, source_of

EXPORT = ExportImporter()


def exported(session, **more):
    """Give an export as 2.25 wrote it."""
    return {
        "format": "superqode-session-v1",
        "exported_at": "2026-11-22T09:58:14.430138",
        "session": session,
        "checksum": checksum_of(session)[:16],
        **more,
    }


@needs_recordings
@pytest.mark.parametrize(
    "ending", ["superqode-session-v1.json", "json.gz", "b64", "store-export.json", "nohistory.json", "export-link.txt"]
)
def test_every_recorded_export_comes_back_as_the_session_it_was_made_of(ending):
    """JSON, gzip, base64, link and the store's own export give the session the store holds."""
    (source,) = [source for name, source in recorded("exports").items() if name.endswith(ending)]
    assert EXPORT.recognises(source, source.head())
    found = only(EXPORT, source).session
    truth = json.loads((olddata.RECORDED / "expected.json").read_text(encoding="utf-8"))["sessions"][found.id]
    whole = ending not in ("nohistory.json", "export-link.txt")
    assert (found.title, found.tags, found.agents_used) == (truth["title"], truth["tags"], truth["agents"])
    assert (found.files_created, found.files_modified) == (truth["files_created"], truth["files_modified"])
    assert len(found.messages) == (truth["messages"] if whole else 0)
    calls = [[call.tool_name, call.success] for call in found.tool_executions]
    assert calls == (truth["tool_executions"] if whole else [])
    states = [[snapshot.description.partition(":")[0], len(snapshot.state.messages)] for snapshot in found.snapshots]
    assert states == [[name, count if whole else 0] for name, count in truth["snapshots"]]
    assert found.metadata["imported"]["format"] == "superqode-export"


@needs_recordings
def test_the_recorded_export_that_was_changed_is_refused_with_both_checksums():
    """A wrong checksum names what was promised and what was found."""
    source = recorded("damaged")["export-bad-checksum.json"]
    reason = refused(EXPORT, source)
    with source.open() as stream:
        data = json.load(stream)
    assert data["checksum"] in reason
    assert checksum_of(data["session"])[:16] in reason


def test_the_checksum_is_the_one_superqode_2_25_wrote():
    """SHA-256 of the session's JSON with sorted keys, in ASCII."""
    session = {"title": "é", "id": "x"}
    assert checksum_of(session) == hashlib.sha256(b'{"id": "x", "title": "\\u00e9"}').hexdigest()


@pytest.mark.parametrize("length", [16, 32, 64])
def test_a_longer_checksum_is_checked_as_far_as_it_goes(length):
    """Every digit written counts."""
    session = olddata.session()
    whole = checksum_of(session)
    only(EXPORT, source_of(exported(session, checksum=whole[:length]), "x.json"))
    wrong = whole[: length - 1] + ("0" if whole[length - 1] != "0" else "1")
    assert wrong in refused(EXPORT, source_of(exported(session, checksum=wrong), "x.json"))


@pytest.mark.parametrize("told", ["abc", 7, ["x"], "é" * 16, "0" * 65])
def test_what_is_no_checksum_is_a_wrong_one(told):
    """A checksum of another kind or length does not pass for none."""
    assert "checksum" in refused(EXPORT, source_of(exported(olddata.session(), checksum=told), "x.json"))


def test_an_export_without_a_checksum_is_imported_and_noted():
    """Old exports may have none; the receipt says that nothing vouches for them."""
    for value in (
        {**exported(olddata.session()), "checksum": ""},
        {"format": "superqode-session-v1", "session": olddata.session()},
    ):
        found = only(EXPORT, source_of(value, "x.json"))
        assert "no checksum" in found.receipt.problems[0]


def test_a_later_format_is_refused_by_name():
    """What this version cannot read is recognised and named, not misread."""
    source = source_of(exported(olddata.session(), format="superqode-session-v9"), "x.json")
    assert EXPORT.recognises(source, source.head())
    assert "superqode-session-v9" in refused(EXPORT, source)


def wrapped(data):
    """Give an export's bytes in every wrapping it travels in."""
    packed = gzip.compress(data)
    text = base64.urlsafe_b64encode(packed)
    halves = gzip.compress(data[:100]) + gzip.compress(data[100:]) + b"\0" * 512
    return {
        "plain": data,
        "gzip": packed,
        "gzip in parts": halves,
        "base64": text,
        "base64 in lines": b"\n".join(text[place : place + 76] for place in range(0, len(text), 76)) + b"\n",
        "base64 of the other alphabet": base64.b64encode(packed),
        "base64 unpadded": text.rstrip(b"="),
        "link": b"https://superqode.dev/import?data=" + urllib.parse.quote(text.decode(), safe="").encode() + b"\n",
        "with a byte order mark": b"\xef\xbb\xbf" + data,
    }


@pytest.mark.parametrize("wrapping", list(wrapped(b"x" * 200)))
def test_an_export_is_read_in_every_wrapping(wrapping):
    """However it travelled, it is recognised and is the same session."""
    session = Session(id="s", title="t")
    session.add_message("user", "hello 👋")
    data = json.dumps(exported(session.to_dict())).encode()
    source = source_of(wrapped(data)[wrapping], "download")
    assert EXPORT.recognises(source, source.head())
    assert only(EXPORT, source).session == session


# -- our own exports ----------------------------------------------------------------------------------------------

TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def sessions(draw):
    """Make a session with messages, executions and snapshots in any order."""
    session = Session(
        title=draw(TEXT),
        project_path=draw(TEXT),
        tags=draw(st.lists(TEXT, max_size=2)),
        metadata=draw(st.dictionaries(TEXT, VALUES, max_size=2)),
    )
    for step in draw(st.lists(st.sampled_from(["message", "call", "snapshot"]), max_size=6)):
        if step == "message":
            session.add_message(
                draw(st.sampled_from(["user", "assistant", "system", "tool"])),
                draw(TEXT),
                metadata=draw(st.dictionaries(TEXT, VALUES, max_size=2)),
            )
        elif step == "call":
            session.add_tool_execution(
                "write_file", {"path": draw(TEXT)}, draw(TEXT), success=draw(st.booleans()), agent_name="a"
            )
        else:
            session.create_snapshot(draw(TEXT))
    return session


@given(sessions(), st.booleans())
def test_what_our_session_wrote_comes_back_equal(session, in_an_export):
    """Session → to_dict → importer is the same session, to the last snapshot; nothing is added to it."""
    value = exported(session.to_dict()) if in_an_export else session.to_dict()
    found = only(EXPORT, source_of(json.loads(json.dumps(value)), "x.json")).session
    assert found == session
    assert found.to_dict() == session.to_dict()


def test_text_written_by_to_json_comes_back_equal():
    """Also text that is not valid Unicode survives the way through a file."""
    session = Session(id="s", title="a lone \ud800 surrogate")
    session.add_message("user", "pair \ud83d\udc4b and lone \udfff")
    assert only(EXPORT, source_of(session.to_json().encode(), "x.json")).session == session


def test_our_own_export_under_an_impossible_id_is_still_safe():
    """An id that is none here becomes one, the original is kept, and the entries stay in order."""
    session = Session(id="s", title="t")
    session.add_message("user", "go")
    session.add_tool_execution("bash", {}, "x", success=True)
    session.add_message("assistant", "done")
    found = only(EXPORT, source_of({**session.to_dict(), "id": "../../x"}, "x.json")).session
    assert is_session_id(found.id)
    assert found.metadata["imported"]["source_session_id"] == "../../x"
    assert found.timeline == session.timeline


# -- what must not be believed ------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_refused_long_before_it_bursts():
    """A file that unpacks to far more than it packs is refused, by ratio and by size."""
    bomb = gzip.compress(b'{"format": "superqode-session-v1", "x": "' + b"A" * 80_000_000)
    assert "times its size" in refused(EXPORT, source_of(bomb, "x.json.gz"))
    assert "times its size" in refused(EXPORT, source_of(base64.urlsafe_b64encode(bomb), "x.b64"))


def test_nothing_is_read_past_the_greatest_size(monkeypatch):
    """The limit counts for files as they are, and for what they unpack to."""
    monkeypatch.setattr(wholefile, "MAX_BYTES", 10_000)
    session = olddata.session(title="".join(map(str, range(4000))))
    data = json.dumps(exported(session)).encode()
    assert "MiB" in refused(EXPORT, source_of(data, "x.json"))
    assert len(zlib.compress(data)) < 10_000
    assert "MiB" in refused(EXPORT, source_of(gzip.compress(data), "x.json.gz"))


def test_small_files_may_pack_as_well_as_they_like():
    """Only what is big is measured by its ratio."""
    session = olddata.session(title="A" * 5_000_000)
    assert len(only(EXPORT, source_of(exported(session), "x.json.gz")).session.title) == 5_000_000


def test_many_empty_gzip_parts_take_no_time():
    """A file made of parts is read once through, however many there are."""
    part = gzip.compress(b"")
    data = part * 20_000 + gzip.compress(json.dumps(exported(olddata.session())).encode())
    assert only(EXPORT, source_of(data, "x.json.gz")).session.title == "A title"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"H4sI" + b" " * 2_000_000 + b"$", id="base64 that is mostly space"),
        pytest.param(b"https://x?" + b"&data=a" * 300_000 + b" !", id="a link of links"),
        pytest.param(b"{" * 2_000_000, id="braces"),
        pytest.param(b'{"id": ' + b'"\\' * 1_000_000, id="escapes"),
    ],
)
def test_odd_bytes_take_no_time(data):
    """Recognising and reading are as quick as the file is long; a slow one would never end here."""
    refused(EXPORT, source_of(data, "x"))
    EXPORT.recognises(source_of(data, "x"), data[: 64 * 1024])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"  \n", "empty", id="white space"),
        pytest.param(b"[1]", "no JSON object", id="a list"),
        pytest.param(b'{"format": "superqode-session-v1", "session": 7}', "nothing to save", id="no session in it"),
        pytest.param(b'{"format": "superqode-session-v1", "session": {"id"', "no whole JSON", id="torn"),
        pytest.param(b'{"id": "x", "title": "t", "messages": 1e999}', "no whole JSON", id="too big a number"),
        pytest.param(b'{"id": "x", "title": NaN}', "no whole JSON", id="no number"),
        pytest.param(b'{"id": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply", id="deep"),
        pytest.param(b'{"id": "x", "title": "\xff"}', "no UTF-8", id="no text"),
        pytest.param(b"H4sIabc$", "no whole JSON", id="not even base64"),
        pytest.param(b"H4sIAAAAA", "base64", id="torn base64"),
        pytest.param(gzip.compress(b"{}", mtime=0)[:-4], "gzip data ends", id="torn gzip"),
        pytest.param(gzip.compress(b"{}", mtime=0)[:-8] + b"12345678", "gzip data is damaged", id="damaged gzip"),
    ],
)
def test_what_is_no_export_is_refused_with_a_reason(data, reason):
    """Each kind of damage is one error that says what it is."""
    assert reason in refused(EXPORT, source_of(data, "x"))


def test_a_file_that_cannot_be_read_is_refused():
    """What the disk says is said on."""

    def refuse():
        raise PermissionError(13, "Permission denied")

    assert "Permission denied" in refused(EXPORT, Source("x.json", refuse))


@settings(max_examples=300)
@given(
    st.binary(max_size=80) | st.binary(max_size=40).map(gzip.compress) | st.from_regex(rb"\A\{\"[a-z\":,{}\[\] ]{0,40}")
)
def test_any_bytes_raise_nothing(data):
    """Recognising and reading end in an answer or in a TranscriptError, whatever the bytes."""
    source = Source("x.json", lambda: io.BytesIO(data))
    EXPORT.recognises(source, data)
    assert len(list(EXPORT.read(source))) == 1
