"""Search: any language, any text as a query, filters, what comes first, and where the matches are."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import MessageRole, Session, SessionStore, clock
from superqode.session.store.index import search, waiting
from superqode.session.store.index.words import snippet

TEXTS = {
    "en": "We refactored the parser in src/api/users.py and read_file works",
    "zh": "请修复数据库中的SQL注入漏洞",
    "ja": "データベースの接続エラーを直してください",
    "emoji": "Ship it 🚀 today",
    "accent": "Déjà vu in the Straße",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A store with one session a language."""
    with SessionStore(tmp_path_factory.mktemp("library") / "store") as store:
        for name, text in TEXTS.items():
            session = Session(id=name, title=f"Session {name}", tags=[f"tag-{name}"], project_path=f"/p/{name}")
            session.add_message(MessageRole.USER, text, agent_name=f"agent-{name}")
            store.save(session)
        yield store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("refactored", "en"),
        ("REFACTORED parser", "en"),
        ('"the parser in"', "en"),
        ("refact*", "en"),
        ("src/api/users.py", "en"),
        ("users.py", "en"),
        ("read_file", "en"),
        ("数据", "zh"),
        ("注入漏洞", "zh"),
        ("修复 漏洞", "zh"),
        ("接続", "ja"),
        ("エラー", "ja"),
        ("🚀", "emoji"),
        ("deja", "accent"),
        ("DÉJÀ", "accent"),
    ],
    ids=lambda value: value.encode("unicode_escape").decode(),
)
def test_a_text_is_found_by_parts_of_it(library, query, expected):
    """Words, phrases, beginnings, paths, two Chinese characters, kana, a picture, without accents."""
    (hit,) = library.search(query)
    assert (hit.session_id, hit.kind, hit.position) == (expected, "user", 0)


@pytest.mark.parametrize(
    "query",
    ['"in parser the"', "refactored 🚀", "库据", "refac", "nothere", "", "   ", '"', "*", "()", "。"],
    ids=lambda value: value.encode("unicode_escape").decode() or "empty",
)
def test_what_is_not_there_is_not_found(library, query):
    """A phrase in another order, words of two entries, half a word, punctuation and nothing find nothing."""
    assert library.search(query) == []


@pytest.mark.parametrize("query", ["refactored", "parser in", "users.py", "数据", "エラー", "🚀", "refact*"])
def test_marks_point_at_the_matched_text(library, query):
    """Each mark cuts the words of the query out of the snippet."""
    (hit,) = library.search(query)
    words = query.rstrip("*").split()
    assert {hit.snippet[start:end] for start, end in hit.marks} == set(words)


def test_a_snippet_shows_the_word_and_not_a_longer_one():
    """`cat` is shown where it stands by itself, not inside `concatenate` far away from it."""
    shown, marks = snippet("concatenate " + "filler " * 80 + "the cat sat", "cat")
    assert [shown[start - 4 : end + 4] for start, end in marks] == ["the cat sat"]


def test_a_snippet_is_one_short_line():
    """Newlines become spaces, and what is left out is marked by dots."""
    shown, marks = snippet("x " * 500 + "\n\nneedle\n\n" + "y " * 500, "needle")
    assert "\n" not in shown
    assert (shown[0], shown[-1]) == ("…", "…")
    assert len(shown) < 250
    assert [shown[start:end] for start, end in marks] == ["needle"]


def test_search_takes_the_filters_of_a_listing(library):
    """By project, tag, agent and time; as many hits as asked for."""
    assert len(library.search("session")) == len(TEXTS)
    assert len(library.search("session", limit=2)) == 2
    assert library.search("session", limit=0) == []
    for wanted in ({"project_path": "/p/en"}, {"tags": ["tag-en"]}, {"agent": "agent-en"}):
        assert {hit.session_id for hit in library.search("session", **wanted)} == {"en"}
    newest = library.list_sessions(limit=1)[0]
    assert {hit.session_id for hit in library.search("session", since=newest.updated_at)} == {newest.id}


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
def test_any_text_is_a_valid_query(library, query):
    """No query is an error, and marks stay inside their snippet."""
    for hit in library.search(query):
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_whole_word_of_a_text_always_finds_it(library, name, data):
    """Whatever its language, what stands between spaces in a text finds that text."""
    word = data.draw(st.sampled_from(TEXTS[name].split()))
    assert name in {hit.session_id for hit in library.search(word)}


def test_titles_come_first(store):
    """A session named after the word stands before those that only mention it."""
    for name, title, text in (("a", "Parser", "nothing"), ("b", "Other", "parser parser parser")):
        session = Session(id=name, title=title)
        session.add_message(MessageRole.USER, text)
        store.save(session)
    first, second = store.search("parser")
    assert (first.session_id, first.kind, first.position, first.entry_id) == ("a", "title", -1, "")
    assert (second.session_id, second.kind, second.position) == ("b", "user", 0)
    assert first.snippet[slice(*first.marks[0])] == "Parser"


def test_tool_calls_are_found_by_name_arguments_and_result(store):
    """A hit names the entry it is in and its place."""
    session = Session(id="work")
    session.add_message(MessageRole.USER, "go")
    call = session.add_tool_execution("read_file", {"path": "src/main.rs"}, "panicked", success=False)
    store.save(session)
    for query in ("read_file", "main.rs", "panicked"):
        (hit,) = store.search(query)
        assert (hit.entry_id, hit.position, hit.kind) == (call.id, 1, "call")


def test_search_follows_what_changes(store):
    """New words are found at once; what was taken out of a session, or deleted with it, is not found any more."""
    session = Session(id="work")
    session.add_message(MessageRole.USER, "alpha")
    store.save(session)
    assert len(store.search("alpha")) == 1
    session.messages[0] = session.messages[0].model_copy(update={"content": "beta"})
    store.save(session)
    assert (len(store.search("alpha")), len(store.search("beta"))) == (0, 1)
    store.delete("work")
    assert store.search("beta") == []
    store.undelete("work")
    assert len(store.search("beta")) == 1


def test_forks_share_the_texts_of_the_index(store, store_path):
    """An entry that several sessions have is indexed once, and found in each of them."""
    session = Session(id="work")
    for text in ("alpha", "beta"):
        session.add_message(MessageRole.USER, text)
    store.save(session)
    for name in ("fork-1", "fork-2"):
        store.fork("work", new_id=name)
    assert {hit.session_id for hit in store.search("alpha")} == {"work", "fork-1", "fork-2"}
    connection = sqlite3.connect(store_path / "superqode" / "index.sqlite")
    assert connection.execute("SELECT count(*) FROM texts").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == (6,)
    connection.close()


def test_text_that_is_no_unicode_is_saved_and_found_around(store):
    """Lone surrogates and NUL stand in no word; the words beside them are found."""
    session = Session(id="work", title="half \ud83d title")
    session.add_message(MessageRole.USER, "before \ud800\0 after")
    store.save(session)
    assert [hit.kind for hit in store.search("after")] == ["user"]
    assert [hit.kind for hit in store.search("half title")] == ["title"]


def _said(store, count):
    """Save sessions `s0` and so on, each later than the one before, with a message of the same words."""
    for number in range(count):
        session = Session(id=f"s{number}", title=f"Of {number}")
        session.add_message(MessageRole.USER, f"It says needle, {number}")
        store.save(session)


def test_of_very_many_hits_the_best_of_the_last_are_given(store, monkeypatch):
    """A word that all say is weighed among those that came last, also in the order in which a first search reads."""
    monkeypatch.setattr(search, "_WEIGHED", 3)
    monkeypatch.setattr(waiting, "_BLOCK", 4)  # two sessions of one message each
    _said(store, 9)
    assert {hit.session_id for hit in store.search("needle", limit=3)} == {"s6", "s7", "s8"}
    assert {hit.session_id for hit in store.search("needle", limit=9)} == {f"s{number}" for number in range(9)}
    going_on = store.load("s0")
    going_on.add_message(MessageRole.USER, "It says needle once more")
    store.save(going_on)
    assert "s0" in {hit.session_id for hit in store.search("needle", limit=3)}


def test_a_bound_on_what_is_weighed_hides_no_hit_of_a_filter(store, monkeypatch):
    """Of a tag that only the oldest has, the oldest is found, however many newer ones say the word."""
    monkeypatch.setattr(search, "_WEIGHED", 3)
    session = Session(id="oldest", tags=["mine"])
    session.add_message(MessageRole.USER, "the needle")
    store.save(session)
    _said(store, 9)
    assert [hit.session_id for hit in store.search("needle", tags=["mine"])] == ["oldest"]


def test_a_search_without_patience_answers_from_what_was_read(store, monkeypatch):
    """It says how many sessions are missing; the newest are read first, and a later search has all."""
    monkeypatch.setattr(waiting, "_BLOCK", 4)
    _said(store, 5)
    assert store.search("needle", patience=0) == []
    assert store.unread() == 5

    ticks = iter([0.0, 1.5])  # the beginning, and after each block
    monkeypatch.setattr(clock, "monotonic", lambda: next(ticks))
    assert {hit.session_id for hit in store.search("needle", patience=1)} == {"s3", "s4"}
    assert store.unread() == 3
    assert len(store.search("needle")) == 5
    assert store.unread() == 0


def test_a_search_without_patience_tells_nothing_that_is_not_so(store):
    """What was taken out, or stands elsewhere since, is no hit; what stayed is, though the rest is not read yet."""
    session = Session(id="work", title="old apple")
    for text in ("banana", "cherry"):
        session.add_message(MessageRole.USER, text)
    store.save(session)
    assert [len(store.search(word)) for word in ("apple", "banana", "cherry")] == [1, 1, 1]
    del session.messages[1:]
    session.title = "new pear"
    for text in ("quite another", "text"):
        session.add_message(MessageRole.ASSISTANT, text)
    store.save(session)

    assert store.search("cherry", patience=0) == []
    assert store.search("apple", patience=0) == []
    (hit,) = store.search("banana", patience=0)
    assert (hit.position, hit.snippet, hit.title) == (0, "banana", "new pear")
    assert store.unread() == 1
    assert [hit.kind for hit in store.search("pear")] == ["title"]


def test_a_first_search_that_is_interrupted_goes_on(store, monkeypatch):
    """What was read before it broke off is not read again."""
    monkeypatch.setattr(waiting, "_BLOCK", 4)
    _said(store, 6)

    def interrupted(done, _total, what):
        if what == "indexing words" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.search("needle", progress=interrupted)
    assert store.unread() == 2
    assert len(store.search("needle")) == 6


@pytest.mark.parametrize("told", [0, 10**12])
def test_a_save_that_lies_about_its_length_is_found_all_the_same(told, store, monkeypatch):
    """The index believes no count: what finds no room among the older ones stands on top, and there is always room."""
    monkeypatch.setattr(waiting, "_BLOCK", 4)
    _said(store, 6)
    store.list_sessions()
    with store._index(store._open()).database.writing() as connection:
        connection.execute("UPDATE sessions SET messages = ?", (told,))
    assert len(store.search("needle")) == 6
