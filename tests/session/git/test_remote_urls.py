"""URLs of remotes: what may be one, what git would make something else of, and credentials that are never shown."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import InvalidRemote
from superqode.session.git.remote_urls import check_url, clean_url, hide_credentials, is_local

ACCEPTED = [
    "https://example.org/team/sessions.git",
    "https://user:token@example.org:8443/x?version=2",
    "http://[::1]:8080/x",
    "ssh://git@example.org/~me/x.git",
    "ssh://git@example.org:2222/x",
    "git://example.org/x",
    "file:///srv/git/x.git",
    "git@example.org:team/x.git",
    "example.org:x",
    "me@[::1]:x",
    "[me@example.org:2222]:x",
    "https://müller.example/x",
    "/srv/git/with space/x.git",
]


@pytest.mark.parametrize("url", ACCEPTED, ids=range(len(ACCEPTED)))
def test_urls_are_taken_as_they_are(url):
    """What git calls a URL or an absolute path is one, unchanged."""
    assert check_url(url) == url


def test_paths_are_made_absolute(tmp_path, monkeypatch):
    """A relative path would mean another place from another folder."""
    monkeypatch.chdir(tmp_path)

    assert check_url("team.git") == str(tmp_path / "team.git")
    assert check_url("../x") == str(tmp_path.parent / "x")
    assert check_url("./a:b") == str(tmp_path / "a:b")


def test_the_scheme_is_written_small():
    """Git knows its schemes in lower case only."""
    assert check_url("HTTPS://Example.org/X") == "https://Example.org/X"


REFUSED = [
    ("", "empty"),
    (" ", "empty"),
    (" https://x/y", "begins or ends with a space"),
    ("https://x/y\n", "begins or ends with a space"),
    ("https://x/y\nz", "control"),
    ("https://x/y%0az", "control"),
    ("ssh://x%00y/z", "control"),
    ("/srv/\x1b[31m", "control"),
    ("https://x/\u202ey", "control"),
    ("https://x/" + "y" * 2000, "longer than 2000"),
    ("-oProxyCommand=x", "dash"),
    ("--upload-pack=touch x", "dash"),
    ("ext::sh -c id", "names a program"),
    ("ext::ssh%20x", "names a program"),
    ("git-remote-foo::https://x", "names a program"),
    ("::x", "names a program"),
    ("ftp://x/y", "ftp:// is not spoken"),
    ("git+ssh://x/y", "is not spoken"),
    ("javascript://x/y", "is not spoken"),
    ("file://host/x", "begins with /"),
    ("https://", "host or port"),
    ("https:///x", "host or port"),
    ("https://x:99999/y", "host or port"),
    ("https://x:y/z", "host or port"),
    ("ssh://-oProxyCommand=x/y", "host or port"),
    ("ssh://-x/y", "dash"),
    ("ssh://%2dx/y", "dash"),
    ("ssh://-l@x/y", "dash"),
    ("ssh://%2doProxyCommand@x/y", "dash"),
    ("ssh://x", "no path"),
    ("git://x", "no path"),
    ("https://x/a b", "space"),
    ("https://x/y#abcd.secret", "behind #"),
    ("git@x:y#abcd", "behind #"),
    ("-x@host:y", "dash"),
    ("a@-host:y", "dash"),
    ("host:-y", "dash"),
    ("host:", "looks like host:path"),
    (":x", "looks like host:path"),
    ("a b:x", "looks like host:path"),
    ("host:a b", "looks like host:path"),
    ("user:hunter22@host:x", "has a password"),
]


@pytest.mark.parametrize(("url", "told"), REFUSED, ids=range(len(REFUSED)))
def test_everything_else_is_refused(url, told):
    """Programs, options, control characters, plain or encoded, are InvalidRemote with the reason, in one line."""
    with pytest.raises(InvalidRemote, match=told) as caught:
        check_url(url)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:hunter22@example.org/x", "https://example.org/x"),
        ("https://ghp_token@example.org:8443/x?private_token=hunter22#part", "https://example.org:8443/x"),
        ("HTTPS://u:p@X/y", "https://X/y"),
        ("ssh://git:hunter22@example.org/x", "ssh://git@example.org/x"),
        ("ssh://git@example.org:22/x", "ssh://git@example.org:22/x"),
        ("git@example.org:team/x", "git@example.org:team/x"),
        ("user:hunter22@example.org:x", "example.org:x"),
        ("https://user:hunter/22@example.org/x", "https://example.org/x"),
        ("https://user:hunter#22@example.org/x", "https://example.org/x"),
        ("https://u@v:hunter22@example.org/x", "https://example.org/x"),
        ("ftp://u:hunter22@example.org/x", "ftp://example.org/x"),
        ("/srv/x", "/srv/x"),
        ("file:///srv/x", "file:///srv/x"),
        ("https://x/\x1b[2Jy", "https://x/[2Jy"),
        ("", ""),
    ],
    ids=range(15),
)
def test_credentials_are_not_shown(url, shown):
    """User, password, query and fragment go; the user of ssh, which is no secret, stays."""
    assert clean_url(url) == shown


def test_refusals_show_no_password():
    """Even what is no URL is named without the password in it."""
    for url in (
        "https://user:hunter22@x y/",
        "ftp://user:hunter22@x/",
        "user:hunter22@host:x",
        "https://u:hunter22@:x/",
    ):
        with pytest.raises(InvalidRemote) as caught:
            check_url(url)
        assert "hunter" not in str(caught.value)


@given(
    st.sampled_from(("https", "http", "ssh", "git")),
    st.text("abcXYZ019%_~.+=!$&'()*,;", min_size=8, max_size=30),
    st.sampled_from(("", "/", "/a/b.git", "/a?q=1")),
)
def test_no_password_is_ever_shown(scheme, password, path):
    """Whatever a password is made of, neither the shown URL nor a message with the URL in it has it."""
    url = f"{scheme}://someone:{password}@example.org{path}"

    assert clean_url(url).startswith(f"{scheme}://")
    assert password not in clean_url(url)
    assert password not in hide_credentials(f"fatal: unable to access '{url}': {password} is wrong", url)


@given(st.text(max_size=60))
def test_any_text_is_judged(text):
    """Anything can be shown, and is either accepted, for good, or refused."""
    assert clean_url(text).isprintable()
    try:
        checked = check_url(text)
    except InvalidRemote:
        return
    assert check_url(checked) == checked
    assert os.path.isabs(checked) or ":" in checked


def test_messages_lose_credentials():
    """Decoded and encoded passwords, lone tokens, and those of other URLs are taken out of what git says."""
    url = "https://me:p%40ssword@example.org/x?key=abcdef"

    assert hide_credentials("p%40ssword p@ssword abcd key=abcdef", url) == "*** *** abcd ***"
    assert hide_credentials("at https://a:b@other/x and 'http://c@d/'", url) == "at https://other/x and 'http://d/'"
    assert hide_credentials("ghp_0123", "https://ghp_0123@example.org/x") == "***"
    assert hide_credentials("git is not allowed", "ssh://git@example.org/x") == "git is not allowed"


@pytest.mark.parametrize(
    ("url", "local"),
    [("/x", True), ("file:///x", True), ("https://x/y", False), ("a@b:c", False), ("ssh://x/y", False)],
    ids=range(5),
)
def test_local_remotes_are_known(url, local):
    """A path, plain or as file://, is on this machine."""
    assert is_local(url) == local
