"""One repository's URL in every spelling: one text, and never a credential in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.git.project_urls import normalised_origin

_HOSTS = st.from_regex(r"[a-z][a-z0-9-]{0,8}(\.[a-z]{2,5}){1,2}", fullmatch=True)
_NAMES = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,8}[A-Za-z0-9_-]", fullmatch=True)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_SECRETS = st.from_regex(r"[A-Za-z0-9!$%&*+=.,;-]{4,20}", fullmatch=True).map(lambda text: f"S3{text}".replace("%", ""))


@given(_HOSTS, _PATHS, st.data())
def test_every_spelling_of_an_address_is_the_same_text(host, path, data):
    """ssh, https, git and `user@host:path`, with or without user, own port, `.git`, slashes, and case of the host."""
    shouted = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in host)
    ending = data.draw(st.sampled_from(["", "/", ".git", ".git/", "//"]))
    begin = data.draw(
        st.sampled_from(
            [
                f"https://{shouted}/",
                f"https://me:word@{shouted}:443/",
                f"http://{shouted}:80//",
                f"ssh://git@{shouted}/",
                f"ssh://git@{shouted}:22/",
                f"git+ssh://{shouted}/",
                f"git://{shouted}:9418/",
                f"git@{shouted}:",
                f"{shouted}:/",
            ]
        )
    )
    assert normalised_origin(begin + path + ending) == f"{host}/{path}".removesuffix(".git")


@given(_HOSTS, _PATHS, _PATHS)
def test_other_repositories_are_other_texts(host, one, other):
    """What differs in its path, also in case alone, stays apart."""
    same = one.removesuffix(".git") == other.removesuffix(".git")
    assert (normalised_origin(f"https://{host}/{one}") == normalised_origin(f"git@{host}:{other}")) is same


@given(_HOSTS, _PATHS, _SECRETS, st.sampled_from(["https", "http", "ssh", "git"]))
def test_no_credential_is_left(host, path, secret, scheme):
    """Neither a password nor a token that stands in a user's place, nor what a query carries, comes through."""
    for url in (f"{scheme}://me:{secret}@{host}/{path}", f"{scheme}://{secret}@{host}/{path}?token={secret}"):
        assert normalised_origin(url) == f"{host}/{path}".removesuffix(".git")


@given(st.text(max_size=200))
def test_anything_is_taken(text):
    """Whatever stands in a configuration gives one printable text, or none."""
    found = normalised_origin(text)
    assert found.isprintable()
    assert not found.endswith("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/srv/git/x.git",
        "../x",
        "file:///srv/x",
        "C:\\x",
        "ext::sh -c true",
        "https://",
        "https://h/",
        "h:",
        "x" * 3000 + ":y",
    ],
)
def test_what_tells_others_nothing_is_no_origin(text):
    """A path of one machine, and what is no address, give nothing."""
    assert normalised_origin(text) == ""


def test_another_port_is_another_server():
    """A port that the scheme does not have by itself stays."""
    assert normalised_origin("https://h.example:8443/x.git") == "h.example:8443/x"
    assert normalised_origin("ssh://git@[::1]:2222/x") == "[::1]:2222/x"
