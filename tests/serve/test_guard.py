"""Who is let in: the token, the Host header, the method; and what every answer forbids the browser."""

from __future__ import annotations

import http.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.serve import guard
from superqode.serve.routes import answer
from superqode.session import SessionStore


@pytest.mark.parametrize("target", ["/", "/wrong/", "/wrong/s/a", "/wrong/page.css", "//", "/%2e%2e/", "*"])
def test_without_the_token_nothing_is_told(client, target):
    """A request without the token gets 403, whatever it asks for, and no byte of a page."""
    found = client.ask(target)
    assert found.status == 403
    assert "superqode serve" in found.text
    assert "<" not in found.text


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80"]
)
def test_a_foreign_host_is_refused_even_with_the_token(client, host):
    """DNS rebinding brings a name of its own, which this server does not answer to."""
    found = client.ask(f"/{client.token}/", host=host)
    assert found.status == 421
    assert "<" not in found.text


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_names_of_this_machine_are_answered(client, name):
    """Loopback's own names work."""
    assert client.ask(f"/{client.token}/", host=f"{name}:{client.port}").status == 200


def test_two_hosts_are_refused(client):
    """A request that names two hosts is for neither."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    connection.putrequest("GET", f"/{client.token}/", skip_host=True)
    for host in (f"127.0.0.1:{client.port}", "evil.example"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status == 421
    connection.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_nothing_but_reading(client, method):
    """Every method that could mean a change is refused."""
    found = client.ask(f"/{client.token}/", method=method)
    assert found.status == 405
    assert found.headers["Allow"] == "GET, HEAD"


def test_head_tells_no_body(client):
    """HEAD gives the headers of GET and nothing behind them."""
    found = client.ask(f"/{client.token}/", method="HEAD")
    assert found.status == 200
    assert found.text == ""
    assert int(found.headers["Content-Length"]) > 0


def test_every_answer_forbids_what_no_page_needs(client):
    """Pages, refusals and assets alike: no inline script, no frame, no referrer, nothing kept."""
    for target in (f"/{client.token}/", "/wrong/", f"/{client.token}/page.js", f"/{client.token}/none"):
        headers = client.ask(target).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Python" not in headers["Server"]


def test_no_page_has_inline_script_or_style(client, store, hostile):
    """What the policy forbids does not stand on a page either."""
    store.save(hostile)
    for below in ("", "lineage", "search?q=x", f"s/{hostile.id}", f"s/{hostile.id}/history"):
        page = client.page(below)
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count("<script src=")


def test_it_listens_on_loopback_alone(server):
    """The address is this machine's own."""
    assert server._http.server_address[0] == "127.0.0.1"


def test_tokens_are_long_and_differ():
    """Two runs have different tokens of 130 bits."""
    first, second = guard.new_token(), guard.new_token()
    assert len(first) == guard.TOKEN_LENGTH
    assert first != second


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_target_gets_an_answer(path, query):
    """Whatever stands in the URL, there is an answer, and only our statuses."""
    with SessionStore("nowhere") as store:
        for target in (f"/{path}?{query}", f"/token/{path}?{query}", f"/token/s/{path}/history?{query}"):
            given_back = answer(store, "token", target)
            assert given_back.status in (200, 403, 404)
            if not given_back.endless:
                assert "".join(given_back.pieces)
