"""Values and bytes of any kind in any place of a transcript."""

from __future__ import annotations

import json

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Give the path of every value inside a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@st.composite
def altered(draw, value):
    """Give a JSON value with a few others in place of what stands in it."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([path for path in places(value) if path]))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(JSON)
    return value


@st.composite
def damaged(draw, raw):
    """Give bytes with a few stretches of them replaced."""
    raw = bytearray(raw)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(raw)))
        raw[start : start + draw(st.integers(0, 200))] = draw(st.binary(max_size=20))
    return bytes(raw)


@st.composite
def torn(draw, raw):
    """Give bytes whose lines are left out, cut, doubled, glued together and shuffled, with garbage among them."""
    lines = raw.splitlines(keepends=True)
    for kind in draw(st.lists(st.sampled_from(("drop", "cut", "double", "glue", "shuffle", "garbage")), min_size=1)):
        place = draw(st.integers(0, max(len(lines) - 1, 0)))
        if kind == "garbage" or not lines:
            lines.insert(place, draw(st.binary(max_size=40)))
        elif kind == "shuffle":
            lines[place : place + 9] = draw(st.permutations(lines[place : place + 9]))
        else:
            line = lines[place]
            cut = line[: draw(st.integers(0, len(line)))]
            lines[place : place + 1] = {"drop": (), "cut": (cut,), "double": (line, line), "glue": (line.rstrip(),)}[
                kind
            ]
    return b"".join(lines)
