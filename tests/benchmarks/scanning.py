"""Looking for secrets in the text of a session, beside the detector library by itself and detect-secrets as it comes.

detect-secrets is measured where it is installed, on little: it reads 0.1 MB/s. Nothing here waits for a disk or another
process, so the processor's time counts, the best of three runs.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any, Final, TypeVar

from bench import Bench
from kingfisher_sdk import Rules, Scanner
from ours import to_entry
from table import Row, Section, least
from workload import json_line

from superqode.session.redaction import Redactor, find

__all__ = ["measure"]

_SPEED: Final = "MB/s"
_FOUND: Final = "found"
_FALSE: Final = "false"
_COLUMNS: Final = (_SPEED, _FOUND, _FALSE)
_ALNUM: Final = string.ascii_letters + string.digits
# What is planted: the text around it, and how the secret is made.
_PLANTED: Final = (
    ("{}", "ghp_", 36),
    ("{}", "glpat-", 20),
    ("{}", "sk_live_", 24),
    ("{}", "npm_", 36),
    ('"api_key": "{}"', "", 32),
    ("export TOKEN={}", "", 24),
    ("password: {}\n", "", 14),
    ("https://alice:{}@git.example.org/x", "", 20),
    ("Authorization: Bearer {}", "", 40),
    ("Cookie: session={}; theme=dark", "", 32),
)

T = TypeVar("T")
Texts = list[str]


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section: speed, the share of planted secrets that was found, and what else was."""
    count = bench.choose(4_000, 40)
    cache = bench.root / "rules"
    cache.mkdir(mode=0o700)
    bench.say(f"looking for secrets in {count:,} turns")
    texts, secrets = _corpus(bench, count)
    bare = Scanner(Rules(cache_dir=cache), base64=False)
    # The library makes each rule ready when it is first needed.
    find("\n".join(secrets), rules_cache=cache)
    bare.scan("\n".join(secrets))
    rows = [
        _row("this library, as one text", ["\n".join(texts)], secrets, lambda text: _ours(text, cache)),
        _row("this library, text by text", texts, secrets, lambda text: _ours(text, cache), limited=True),
        _entries(bench, count, cache),
        _row("the detector library alone", texts, secrets, lambda text: [one.secret for one in bare.scan(text)]),
    ]
    if find_spec("detect_secrets") is not None:
        rows.append(_detect_secrets(texts[: bench.choose(400, 10)], secrets))
    return [Section("scan", "look for secrets: speed, % of planted found, found beside", _COLUMNS, rows)]


def _corpus(bench: Bench, count: int) -> tuple[Texts, set[str]]:
    """The texts of a session's turns, every fifth with a secret in its middle, and the secrets."""
    dice = random.Random(7)
    texts: Texts = []
    secrets: set[str] = set()
    for place, turn in enumerate(bench.workload().turns(count)):
        for record in turn:
            texts.append(record["content"] if record["kind"] == "message" else record["result"])
        if place % 5 == 0:
            around, prefix, length = _PLANTED[place // 5 % len(_PLANTED)]
            secret = f"{prefix}{''.join(dice.choices(_ALNUM, k=length - 2))}7q"
            secrets.add(secret)
            middle = len(texts[-1]) // 2
            texts[-1] = f"{texts[-1][:middle]}\n{around.format(secret)}\n{texts[-1][middle:]}"
    return texts, secrets


def _ours(text: str, cache: Path) -> Iterable[str]:
    return [text[start:end] for start, end, _ in find(text, rules_cache=cache)]


def _row(
    label: str,
    texts: Texts,
    secrets: set[str],
    look: Callable[[str], Iterable[str]],
    *,
    rounds: int = 3,
    limited: bool = False,
) -> Row:
    runs = [_timed(lambda: [secret for text in texts for secret in look(text)]) for _ in range(rounds)]
    seconds, found = min(runs, key=lambda run: run[0])
    whole = "\n".join(texts)
    planted = {secret for secret in secrets if secret in whole}
    values = {
        _SPEED: len(whole) / 1e6 / seconds,
        _FOUND: 100 * len(planted.intersection(found)) / max(1, len(planted)),
        _FALSE: float(sum(secret not in planted for secret in found)),
    }
    return Row(label, values, limits={_SPEED: least(20)} if limited else {})


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    started = process_time()
    result = action()
    return process_time() - started, result


def _entries(bench: Bench, count: int, cache: Path) -> Row:
    """Whole entries, as they are redacted before they are shared."""
    records = [record for turn in bench.workload().turns(count) for record in turn]
    size = sum(len(json_line(record)) for record in records)
    entries = [to_entry(record) for record in records]
    redactor = Redactor(bytes(32), rules_cache=cache)
    runs = [_timed(lambda: sum(len(redactor.entry(entry).masked) for entry in entries)) for _ in range(3)]
    seconds, masked = min(runs)
    values = {_SPEED: size / 1e6 / seconds, _FALSE: float(masked)}
    return Row("this library, entry by entry", values, limits={_SPEED: least(20)})


def _detect_secrets(texts: Texts, secrets: set[str]) -> Row:
    scan: Any = import_module("detect_secrets.core.scan")
    settings: Any = import_module("detect_secrets.settings")

    def look(text: str) -> list[str]:
        return [found.secret_value for line in text.split("\n") for found in scan.scan_line(line)]

    with settings.default_settings():
        return _row("detect-secrets, line by line", texts, secrets, look, rounds=1)
