"""Two scrubs of one text put together: neither secret is left, and all that is in clear in both stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.models import Message
from superqode.session.redaction import Redactor
from superqode.session.store.combining import combine_entries, combine_text, combine_values

ONE, OTHER = "first-secret", "other-secret"
KEY = b"k" * 32


def masked(text: str, *secrets: str) -> str:
    return Redactor(KEY, literals=secrets, detect=False).text(text).value


@given(st.lists(st.sampled_from([ONE, OTHER, "a", "first", "-secret", " ", "\n", "ü"]), max_size=30))
def test_no_secret_and_nothing_else_is_lost(parts):
    """However they stand beside each other, the result is what one scrub of both would have left."""
    text = "".join(parts)
    both = combine_text(masked(text, ONE), masked(text, OTHER))
    assert ONE not in both
    assert OTHER not in both
    assert both == combine_text(masked(text, OTHER), masked(text, ONE))
    if text.replace(ONE, "").replace(OTHER, "").strip():
        assert len(both.replace("…", "")) >= 1


def test_what_is_apart_stays_exactly():
    """Where the secrets do not touch, every other letter stays."""
    text = f"before {ONE}, between {OTHER} and {ONE}{ONE} at the end"
    assert combine_text(masked(text, ONE), masked(text, OTHER)) == masked(text, ONE, OTHER)


def test_secrets_that_overlap():
    """Of two that share letters, neither is left."""
    text = "it is abcdefgh, yes"
    both = combine_text(masked(text, "abcdef"), masked(text, "cdefgh"))
    assert both.startswith("it is [REDACTED:")
    assert both.endswith(", yes")
    assert not any(part in both for part in ("abcd", "efgh", "cdef"))


def test_texts_that_cannot_be_one():
    """Where nothing can be made of it only the marks stay, and no letter of either."""
    both = combine_text(masked(f"x {ONE} x", ONE), "y other z")
    assert both.strip("…") == masked(ONE, ONE)
    assert combine_text("x", "y") == "…"


def test_long_texts():
    """Thousands of secrets in one text are followed to the end."""
    text = "".join(f"line {number} says {ONE} and {OTHER}, over and over {number % 7}\n" for number in range(2_000))
    assert combine_text(masked(text, ONE), masked(text, OTHER)) == masked(text, ONE, OTHER)


def test_values_and_entries():
    """Strings anywhere in a value, keys too, and an entry's own fields; its id and time stay."""
    value = {"a": [f"{ONE} {OTHER}", 1, None], "b": {"c": OTHER}}
    redactors = [Redactor(KEY, literals=[secret], detect=False) for secret in (ONE, OTHER)]
    whole = Redactor(KEY, literals=[ONE, OTHER], detect=False)
    assert combine_values(*(redactor.value(value).value for redactor in redactors)) == whole.value(value).value
    entry = Message(role="user", content=f"{ONE} or {OTHER}", metadata={"x": ONE})
    both = combine_entries(*(redactor.entry(entry).value for redactor in redactors))
    assert both == whole.entry(entry).value
