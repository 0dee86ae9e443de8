"""Text that becomes a name, an address or one line of a commit."""

from hypothesis import given

from strategies import texts
from superqode.session.codec import lines


@given(texts)
def test_one_line_is_one_line(text):
    """Whatever the text, nothing is left in it that ends a line, or a commit's message."""
    line = lines.one_line(text)

    assert len(line.splitlines()) <= 1
    assert "\0" not in line
    assert line.encode().decode() == line


@given(texts)
def test_idents_are_clean(text):
    """Any agent's name makes a name and an address without anything that Git refuses."""
    name, email = lines.agent_ident(text)

    assert name
    assert not set(name + email) & set("<>\n\0")
    assert name.strip(" .,:;\"'") == name
    assert email.endswith("@agents.superqode.invalid")
    assert email.isascii()
