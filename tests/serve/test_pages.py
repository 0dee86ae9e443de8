"""What the pages show: lists with filters, hits, conversations in windows, history, lineage, and what came since."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from superqode.serve.conversation import WINDOW
from superqode.session import Session


def made(store, session_id, title, *texts, **fields):
    """Save a session of some prompts and answers."""
    session = Session(id=session_id, title=title, **fields)
    for number, text in enumerate(texts):
        session.add_message("user" if number % 2 == 0 else "assistant", text)
        store.save(session)
    return session


def articles(page):
    """The numbers of the entries on a page."""
    return [int(number) for number in re.findall(r'<article class="[^"]*" id="e(\d+)"', page)]


def test_the_list_shows_and_filters(client, store):
    """Newest first, with title, id, agents, tags and how much; each filter narrows it."""
    made(store, "one", "Fix the login", "why", "so", tags=["security"], project_path="/p/web")
    made(store, "two", "Write docs", "please", project_path="/p/docs")
    page = client.page()
    assert page.index("Write docs") < page.index("Fix the login")
    for told in ("/p/web", ">one<", "security", ">2<"):
        assert told in page
    for query in ("text=login", "tag=security", "project=/p/web"):
        page = client.page(f"?{query}")
        assert "Fix the login" in page
        assert "Write docs" not in page
    assert "No session fits" in client.page("?agent=nobody")


def test_an_empty_store_is_told(client):
    """Nothing there yet is no error on any page."""
    assert "no sessions yet" in client.page()
    assert "no sessions yet" in client.page("lineage")
    assert "0 places" in client.page("search?q=x")


def test_search_leads_to_the_place(client, store):
    """A hit shows its surroundings with the words marked, and its link jumps to the entry."""
    made(store, "one", "Login", "first", "the needle is here")
    page = client.page("search?q=needle")
    assert "<mark>needle</mark>" in page
    assert f"/{client.token}/s/one?from=1#e2" in page


def test_a_conversation_is_shown(client, store):
    """All entries as on the exported page, and the way to the history."""
    made(store, "one", "Login", "**bold** words", "done")
    page = client.page("s/one")
    assert articles(page) == [1, 2]
    assert "<strong>bold</strong>" in page
    assert f"/{client.token}/s/one/history" in page


def test_a_long_conversation_is_shown_in_windows(client, store):
    """The end first; ways to what is before and behind; nothing is on no page."""
    session = Session(id="long", title="Long")
    for number in range(WINDOW + 30):
        session.add_message("user", f"entry {number + 1}")
    store.save(session)
    page = client.page("s/long")
    assert articles(page) == list(range(31, WINDOW + 31))
    assert "30 earlier entries" in page
    page = client.page("s/long?from=1")
    assert articles(page) == list(range(1, WINDOW + 1))
    assert "30 later entries" in page
    assert "data-live" not in page
    assert articles(client.page("s/long?from=999999999")) == [WINDOW + 30]


def test_a_conversation_as_it_was(client, store):
    """A save of the history is shown as it was, and says so."""
    made(store, "one", "Login", "first", "second", "third")
    commit = store.history("one")[-1].commit
    page = client.page(f"s/one?at={commit}")
    assert articles(page) == [1]
    assert f"As it was at {commit}" in page
    assert "data-live" not in page


def test_history_tells_what_each_save_added(client, store):
    """Each save with its story, what it brought, snapshots, and a link to that state."""
    session = made(store, "one", "Login", "first", "second")
    session.create_snapshot("before", snapshot_id="snap-1")
    store.save(session)
    store.undo("one")
    page = client.page("s/one/history")
    assert "assistant: second" in page
    assert "2 messages (+1)" in page
    assert "snap-1" in page
    assert 'class="undo"' in page
    assert f"s/one?at={store.history('one')[-1].commit}" in page


def test_lineage_is_nested(client, store):
    """A fork stands in the list of what it is a fork of; lists are closed as they were opened."""
    made(store, "root", "Root", "hello")
    store.fork("root", title="Child", new_id="child")
    store.fork("child", title="Grandchild", new_id="grandchild")
    made(store, "other", "Other", "hello")
    page = client.page("lineage")
    main = page[page.index('<main class="narrow" id="listing">') :]
    assert re.search(r"Root</a>[^/]*</span><ul", main.replace("\n", ""))
    assert main.count("<ul") == main.count("</ul>") == 3
    assert main.count("<li>") == main.count("</li>") == 4


def test_what_came_since_is_given_alone(client, store):
    """A page that is open asks for the new entries; where the beginning is another one it is told so."""
    session = made(store, "one", "Login", "first", "second")
    last = quote(session.timeline[-1].id)
    session.add_message("user", "third")
    store.save(session)
    page = client.page(f"s/one?since=2&last={last}")
    assert articles(page) == [3]
    assert 'data-count="3"' in page
    assert "<header" not in page.partition("<article")[0]
    client.page("s/one?since=2&last=another", status=204)
    client.page(f"s/one?since=99&last={last}", status=204)


@pytest.mark.parametrize("name", ["feature/x", "été", "a b", "q?x=1&y#z"])
def test_branches_of_plain_git_have_pages(client, store, git, name):
    """Whatever name plain git gave a branch, it is one quoted part of the URL."""
    made(store, "one", "Login", "first")
    if " " in name or "?" in name:
        client.page(f"s/{quote(name, safe='')}", status=404)
        return
    git("branch", name, "one")
    assert articles(client.page(f"s/{quote(name, safe='')}")) == [1]
    assert quote(name, safe="") in client.page()


@pytest.mark.parametrize(
    "below", ["s/none", "s/none/history", "s/one?at=none", "s/", "nothing", "s/one/x", "s/..%2f..", "s/%00"]
)
def test_what_is_not_there_is_said(client, store, below):
    """A missing session, save or page is a page that says so and leads back, with 404."""
    made(store, "one", "Login", "first")
    page = client.page(below, status=404)
    assert "All sessions" in page
    assert "Traceback" not in page


def test_a_damaged_session_is_named_and_the_others_stay(client, store, git):
    """Damage is told on its own page; the list still has the rest."""
    made(store, "good", "Good", "first")
    made(store, "bad", "Bad", "other")
    blob = git("rev-parse", "bad:timeline/0000/00/00-user.json")
    (store.path / "objects" / blob[:2] / blob[2:]).unlink()
    assert "is damaged" in client.page("s/bad", status=500)
    assert articles(client.page("s/good")) == [1]
    assert "Good" in client.page()


def test_text_is_nothing_but_text(client, store, hostile):
    """Markup, controls and overrides of a session are shown, not obeyed, on every page."""
    store.save(hostile)
    for below in ("", "lineage", "search?q=script", f"s/{hostile.id}", f"s/{hostile.id}/history"):
        page = client.page(below)
        assert "<script>" not in page
        assert "<img" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
