"""Tokens and links: read as they were printed, and no secret is ever told in an error."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import InvalidShareToken
from superqode.session.sharing.links import SHARE_ID, ShareLink, new_link_secret, new_share_id, parse_link

ID = "0123456789abcdefghjkmnpqrs"
SECRET = bytes(range(16))
TEXT = "AAECAwQFBgcICQoLDA0ODw"


def test_ids_and_secrets_are_random():
    """An id is 26 readable characters, a secret 16 bytes, and no two are the same."""
    assert SHARE_ID.fullmatch(new_share_id())
    assert len({new_share_id() for _ in range(100)}) == 100
    assert len(new_link_secret()) == 16
    assert new_link_secret() != new_link_secret()


def test_a_token_is_printed_as_documented():
    """`<id>`, `<id>.<secret>`, `<url>#<token>`; the token alone where there is no URL."""
    assert ShareLink(ID).token == ID
    assert ShareLink(ID, SECRET).token == f"{ID}.{TEXT}"
    assert ShareLink(ID, SECRET, "https://host/x.git").url == f"https://host/x.git#{ID}.{TEXT}"
    assert ShareLink(ID, SECRET).url == f"{ID}.{TEXT}"


def test_a_link_does_not_show_its_secret_by_itself():
    """`repr`, which logs and tracebacks print, has no secret."""
    shown = repr(ShareLink(ID, SECRET, "https://host/x"))

    assert TEXT not in shown
    assert repr(SECRET) not in shown


@given(
    st.none() | st.binary(min_size=16, max_size=16),
    st.none() | st.text(string.printable, min_size=1, max_size=60).map(str.strip).filter(bool),
)
def test_links_are_read_again(secret, remote):
    """Whatever was printed is read again, a remote with `#` in it as well, and with space around it."""
    link = ShareLink(ID, secret, remote)

    assert parse_link(link.url) == link
    assert parse_link(f" {link.url}\n") == link


def test_a_token_behind_a_hash_is_a_token():
    """The part behind the `#`, copied with it, is still the token."""
    assert parse_link(f"#{ID}.{TEXT}") == ShareLink(ID, SECRET)


@pytest.mark.parametrize(
    "text",
    ["", "#", "x", ID[:-1], ID + "0", ID.upper(), ID.replace("s", "u"), f"{ID}.", f"{ID}.{TEXT[:-1]}", f"{ID}.{TEXT}A",
     f"{ID}.{TEXT[:-1]}x", f"{ID}.{TEXT[:-1]}=", f"{ID}.{TEXT}.{TEXT}", f"{ID} .{TEXT}", f"{ID}{TEXT}", f".{TEXT}",
     f"https://user:hunter2@host/{ID}", f"https://user:hunter2@host/x#{TEXT}", f"{ID}.{TEXT}#", "#" * 5_000,
     "x" * 1_000_000, f"{'é' * 26}", f"{ID}\n.{TEXT}", f"{ID}.{TEXT[:10]}\0{TEXT[11:]}"],
    ids=range(24),
)  # fmt: skip
def test_anything_else_is_refused_without_telling_it(text):
    """A typed error with what to do next; short; with nothing of the secret, and no password of the URL."""
    with pytest.raises(InvalidShareToken) as caught:
        parse_link(text)

    told = str(caught.value) + repr(caught.value.share_id)
    assert len(told) < 400
    assert "Give the whole link" in told
    assert "hunter2" not in told
    assert not any(TEXT[start : start + 6] in told for start in range(16))


@given(st.text(max_size=80))
def test_random_text_is_a_link_or_refused(text):
    """Random text raises InvalidShareToken and nothing else, and what is read has an id."""
    try:
        link = parse_link(text)
    except InvalidShareToken:
        return
    assert re.fullmatch(SHARE_ID, link.share_id)


@given(st.integers(0, 21), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_secret_has_one_spelling(place, character):
    """No two texts give the same secret: the last character's spare bits are not passed over."""
    text = TEXT[:place] + character + TEXT[place + 1 :]
    try:
        link = parse_link(f"{ID}.{text}")
    except InvalidShareToken:
        return
    assert link.token == f"{ID}.{text}"
