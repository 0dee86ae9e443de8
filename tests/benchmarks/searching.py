"""Full-text search over some thousand messages: the first, which reads everything, and those after it."""

from __future__ import annotations

from bench import Bench, median_ms, timed
from ours import USER, make_session
from table import Row, Section

from superqode.session import SessionStore

__all__ = ["measure"]

_QUERIES = ("function", "the same object", '"is raised"', "excep*", "module_7", "nothing-has-this-word")
_SESSIONS = 20


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section."""
    count = bench.choose(200, 10)
    bench.say(f"searching {_SESSIONS * count:,} messages")
    workload = bench.workload()
    root = bench.root / "search"
    with SessionStore(root, durability="fast", user=USER) as store:
        for number in range(_SESSIONS):
            store.save(make_session(f"search-{number}", workload.turns(count, number * count)))
        store.maintain()
        store.list_sessions()
        first, _ = timed(lambda: store.search("function"))
        warm = [timed(lambda query=query: store.search(query))[0] for query in _QUERIES * 5]  # type: ignore[misc]
        session = store.load("search-0")
        after = []
        for number in range(5):
            session.add_message("user", workload.appended(number)["content"])
            store.save(session)
            after.append(timed(lambda: store.search("function"))[0])
    column = f"{_SESSIONS * count:,}"
    rows = [
        Row("the first (all words are read)", {column: first * 1000}),
        Row("those after it (six queries)", {column: median_ms(warm)}),
        Row("the next after one more save", {column: median_ms(after)}),
    ]
    return [Section("search", "search so many messages with calls, ms", (column,), rows)]
