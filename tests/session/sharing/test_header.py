"""share.json: one spelling, one share, one version."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sharing.whole import SHARE_ID
from superqode.session.errors import ShareError, ShareTampered, UnknownShareVersion
from superqode.session.sharing.header import CHUNK_MAX, CHUNK_MIN, Header, decode_header
from superqode.session.sharing.tokens import token_size

BYTES = b'{"chunk":261120,"format":"superqode-share","id":"0123456789abcdefghjkmnpqrs","version":1}\n'


def test_the_header_is_as_documented():
    """Byte for byte; its hash is the salt of all keys."""
    assert Header(SHARE_ID).encode() == BYTES
    assert Header(SHARE_ID).salt == hashlib.sha256(BYTES).digest()
    assert decode_header(BYTES, SHARE_ID) == Header(SHARE_ID, 261_120)


def test_the_largest_chunk_fits_an_object():
    """A chunk's token stays under the 1 MiB that hosts advise."""
    assert token_size(CHUNK_MAX) <= 1024 * 1024 < token_size(CHUNK_MAX + 1024)


@given(st.integers(CHUNK_MIN, CHUNK_MAX))
def test_headers_are_read_again(chunk):
    """Every length of chunks that is allowed survives."""
    assert decode_header(Header(SHARE_ID, chunk).encode(), SHARE_ID) == Header(SHARE_ID, chunk)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b"\xff\n",
        BYTES[:-1],
        BYTES + b"\n",
        b" " + BYTES,
        BYTES.replace(b":", b": "),
        BYTES.replace(b"s\xc3", b"") + b" ",
        BYTES.replace(b'"id"', b'"\\u0069d"'),
        BYTES.replace(b"261120", b"4095"),
        BYTES.replace(b"261120", b"1047553"),
        BYTES.replace(b"261120", b"4096.0"),
        BYTES.replace(b"261120", b"true"),
        BYTES.replace(b"261120", b"-1"),
        BYTES.replace(b"261120", b"1" * 3_000),
        BYTES.replace(b"superqode-share", b"superqode-shard"),
        BYTES.replace(b"0123", b"0124"),
        BYTES.replace(b'"version":1', b'"version":true'),
        BYTES.replace(b'"version":1', b'"version":"1"'),
        BYTES.replace(b'"version":1', b'"version":1,"x":1'),
        BYTES.replace(b'"version":1', b'"version":1,"version":1'),
        BYTES + b" " * 5_000,
    ],
    ids=range(23),
)
def test_any_other_header_is_refused(data):
    """Another spelling, another share, other fields or lengths: ShareTampered, naming the share."""
    with pytest.raises(ShareTampered, match=SHARE_ID):
        decode_header(data, SHARE_ID)


def test_another_share_s_header_is_named_as_such():
    """A good header of another share is told from a damaged one."""
    with pytest.raises(ShareTampered, match=r"share\.json is another share's"):
        decode_header(Header("z" * 26).encode(), SHARE_ID)


@pytest.mark.parametrize("version", ["2", "0", "-1", "9" * 3_000], ids=["2", "0", "-1", "huge"])
def test_another_version_is_named(version):
    """A share of a version to come says so, whatever else is in its header."""
    data = BYTES.replace(b'"version":1', f'"new":[1],"version":{version}'.encode())

    with pytest.raises(UnknownShareVersion) as caught:
        decode_header(data, SHARE_ID)
    assert caught.value.found == version[:20]


@given(
    st.binary(max_size=60) | st.dictionaries(st.text(max_size=8), st.integers()).map(lambda v: json.dumps(v).encode())
)
def test_random_headers_are_refused(data):
    """Random bytes are an error of ours, never a header and never another exception."""
    with pytest.raises(ShareError):
        decode_header(data, SHARE_ID)
