"""The served pages in a real browser: a walk through them, what they follow, and what a session cannot do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from browsers import watched
from superqode.session import Session

Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, server: Any) -> Iterator[Open]:
    """Opens pages of the server; at the end, nothing was asked of anybody else and nothing was complained of."""
    with watched(browser, lambda url: url.startswith((server.url, "data:,"))) as opened:
        yield lambda below="", **options: opened(server.url + below, **options)


@pytest.fixture
def talk(store) -> Session:
    """A session with a prompt, an answer and a call, in three saves."""
    session = Session(id="talk", title="Fix the login")
    session.add_message("user", "Find the needle")
    store.save(session)
    session.add_message("assistant", "It is in the **hay**")
    session.add_tool_execution("bash", {"command": "ls"}, "hay", success=True)
    store.save(session)
    return session


def test_a_walk(open_page, talk):
    """List, search, conversation at the place, history, the state of an old save, lineage, and back."""
    page = open_page()
    page.fill("input[name=q]", "needle")
    page.keyboard.press("Enter")
    page.click(".hits a")
    page.wait_for_selector("#e1")
    assert page.url.endswith("#e1")
    assert page.inner_text("h1") == "Fix the login"
    page.click("#e3 summary")
    assert page.is_visible("#e3 pre")
    page.click("text=History")
    assert page.locator(".history li").count() == 2
    page.click(".history li:last-child a")
    assert page.get_by_role("article").count() == 1
    assert "As it was" in page.inner_text(".ways")
    page.click("text=Lineage")
    assert page.locator(".lineage li").count() == 1
    page.click("text=Sessions")
    assert page.locator(".sessions tbody tr").count() == 1


def test_an_open_conversation_grows(open_page, talk, store):
    """What another process saves appears at the end by itself, is searched with the rest, and nothing else moves."""
    page = open_page("s/talk")
    page.click("#e3 summary")
    talk.add_message("user", "and the thimble")
    store.save(talk)
    page.wait_for_selector("#e4")
    assert page.is_visible("#e3 pre"), "what was unfolded stays so"
    assert page.inner_text("#news") == "1 new entry"
    page.fill("#find", "thimble")
    page.wait_for_selector("#found:not(:empty)")
    assert page.inner_text("#found") == "1 of 4"
    talk.add_message("assistant", "no thimble, no needle")
    store.save(talk)
    page.wait_for_selector("#e5")
    assert page.get_by_role("article").count() == 2, "the search goes on over what came"


def test_an_open_conversation_that_is_undone_offers_to_be_shown_anew(open_page, talk, store):
    """Where the beginning is not the same any more nothing is mixed: a button shows what is there now."""
    page = open_page("s/talk")
    page.wait_for_selector("#e3")
    store.undo("talk")
    page.click("#news button")
    page.wait_for_selector("article")
    assert page.get_by_role("article").count() == 1


def test_an_open_list_follows(open_page, talk, store):
    """A session that somebody makes appears in the list; filters and what is typed stay."""
    page = open_page()
    store.save(Session(id="second", title="Another one"))
    page.wait_for_selector("text=Another one")
    page.fill("input[name=text]", "half a wo")
    page.focus("input[name=text]")
    store.save(Session(id="third", title="A third one"))
    page.wait_for_selector("#news button")
    assert page.input_value("input[name=text]") == "half a wo"


def test_hostile_content_is_inert(open_page, store, hostile):
    """No text of a session runs, loads or navigates, on the page it comes with or when it is added to an open one."""
    store.save(hostile)
    for below in ("", f"s/{hostile.id}", f"s/{hostile.id}/history", "lineage", "search?q=script"):
        page = open_page(below)
        assert page.evaluate("window.pwned") is None, below
    page = open_page(f"s/{hostile.id}")
    count = len(hostile.timeline)
    hostile.add_message("assistant", "<script>window.pwned=1</script><img src=x onerror=window.pwned=1> tail")
    store.save(hostile)
    page.wait_for_selector(f"#e{count + 1}")
    assert page.evaluate("window.pwned") is None


def test_it_can_be_read_on_a_narrow_screen_in_the_dark(open_page, talk):
    """Nothing is wider than a phone, in either scheme."""
    for below in ("", "s/talk", "s/talk/history", "lineage", "search?q=needle"):
        page = open_page(below, viewport={"width": 380, "height": 800}, color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, below
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(19, 21, 25)"
