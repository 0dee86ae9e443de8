"""Text → words and queries: every script is found, and nothing people type is an error."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import texts
from superqode.session.store.index.words import match_expression, segment, snippet


@pytest.fixture(scope="module")
def table():
    """A full-text table like the index's."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(body, tokenize='unicode61 remove_diacritics 2')")
    yield connection
    connection.close()


def _finds(table, text, query):
    table.execute("DELETE FROM words")
    table.execute("INSERT INTO words VALUES (?)", (segment(text),))
    expression = match_expression(query)
    return bool(expression) and bool(table.execute("SELECT 1 FROM words WHERE words MATCH ?", (expression,)).fetchall())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("修复SQL注入漏洞", "注入"),
        ("修复SQL注入漏洞", "SQL注入"),
        ("データベースを修正した", "ベース"),
        ("한국어 텍스트입니다", "텍스트"),
        ("well done 🎉🎉", "🎉"),
        ("ﾃﾞｰﾀ", "データ"),
        ("ﬁle ①", "file"),
        ("Straße", "straße"),
        ("Ünïcödé", "unicode"),
        ("src/api/users.py", "users.py"),
        ("the quick brown fox", '"quick brown"'),
        ("the quick brown fox", "bro*"),
        ("the quick brown fox", "fox the"),
        ("C++ and a NEAR miss OR not", "NEAR OR not"),
        ("don't", "don't"),
    ],
)
def test_what_is_there_is_found(table, text, query):
    """Any part of a sentence in any script, phrases, beginnings, and the words FTS5 takes for commands."""
    assert _finds(table, text, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("修复SQL注入漏洞", "入注"),
        ("the quick brown fox", '"brown quick"'),
        ("the quick brown fox", "bro"),
        ("the quick brown fox", "quick dog"),
        ("anything", ""),
        ("anything", "* \" ' ( ) -"),
        ("anything", "\0\ud800"),
    ],
)
def test_what_is_not_there_is_not_found(table, text, query):
    """Another order, half a word, a word more, and nothing at all."""
    assert not _finds(table, text, query)


@given(texts | st.text("ab\"'*()-:^{}+ANDORT \0東", max_size=30), texts)
def test_any_text_is_a_valid_query(table, query, text):
    """No query makes SQLite complain, whatever it is put to."""
    assert _finds(table, text, query) in (True, False)


@given(st.text("abcé東京🎉 .-_/\n", min_size=1, max_size=60), st.data())
def test_every_word_of_a_text_finds_it(table, text, data):
    """What stands between spaces in a text is found by typing it."""
    words = [word for word in text.split() if match_expression(word)]
    if words:
        assert _finds(table, text, data.draw(st.sampled_from(words)))


@given(texts, texts)
def test_marks_lie_inside_the_snippet(text, query):
    """A snippet is short, on one line, and its marks are places in it, in order."""
    shown, marks = snippet(text, query)

    assert "\n" not in shown
    assert all(0 <= start < end <= len(shown) for start, end in marks)
    assert list(marks) == sorted(marks)


def test_long_queries_are_cut():
    """A query of a megabyte is cut to what a person could mean."""
    assert len(match_expression("word " * 200_000)) < 2_000
