"""JSON edited as text: only what is meant changes, and taking out is the opposite of putting in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.agents.json_text import append, container_at, member, take_out

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(st.text(max_size=6), _VALUES, max_size=4)
_STYLES = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": "\t"},
        {"indent": 1},
        {"separators": (",", ":")},
        {"indent": 4, "ensure_ascii": False},
    ]
)


@given(_OBJECTS, _STYLES, st.sampled_from(["", "\n", "\r\n  "]), _VALUES)
def test_a_member_that_was_put_in_is_there_and_nothing_else_changed(settings, style, around, value):
    """Every other member keeps its text and its order, whatever the layout; the new one comes last."""
    text = around + json.dumps(settings, **style) + around
    settings.pop("added", None)
    text = around + json.dumps(settings, **style) + around
    after = append(text, container_at(text), value, "added")
    assert list(json.loads(after).items()) == [*settings.items(), ("added", value)]
    begin = container_at(text)
    assert after.startswith(text[: begin.items[-1][1] if begin.items else begin.open + 1])
    assert after.endswith(text[begin.close :])


@given(_OBJECTS.filter(bool), _STYLES, _VALUES)
def test_taking_out_is_the_opposite_of_putting_in(settings, style, value):
    """Byte for byte, where there was anything besides."""
    settings.pop("added", None)
    text = json.dumps(settings, **style)
    after = append(text, container_at(text), value, "added")
    whole = container_at(after)
    back = take_out(after, whole, whole.names.index("added"))
    assert json.loads(back) == settings
    assert back == text or not settings


@given(st.lists(_VALUES, min_size=1, max_size=5), _STYLES, st.data())
def test_any_element_can_be_taken_out(values, style, data):
    """First, last or between: the others stay."""
    text = json.dumps(values, **style)
    number = data.draw(st.integers(0, len(values) - 1))
    assert json.loads(take_out(text, container_at(text), number)) == values[:number] + values[number + 1 :]


def test_what_is_put_in_is_indented_as_its_neighbours_are():
    """By the unit of the outermost object, and with the text's line ends."""
    text = '{\r\n\t"a": {\r\n\t\t"b": [\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}\r\n'
    inner = member(text, member(text, container_at(text), "a"), "b")
    after = append(text, inner, {"c": 2})
    assert after == text.replace("\t\t\t1\r\n", '\t\t\t1,\r\n\t\t\t{\r\n\t\t\t\t"c": 2\r\n\t\t\t}\r\n')


def test_a_name_that_stands_there_twice_is_refused():
    """Programs differ in which of the two counts."""
    text = '{"a": {}, "a": {}}'
    with pytest.raises(ValueError, match="several times"):
        member(text, container_at(text), "a")
    assert member(text, container_at(text), "b") is None
    with pytest.raises(ValueError, match="neither"):
        member('{"a": 1}', container_at('{"a": 1}'), "a")
