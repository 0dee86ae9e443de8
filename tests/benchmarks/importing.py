"""Importing a long transcript, as Claude Code writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import Bench, timed
from ours import USER
from table import Row, Section
from workload import BEGAN, PROJECT, Record, Workload

from superqode.session import SessionStore

__all__ = ["measure"]

_COLUMN = "MB/s"


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section."""
    path = bench.root / "transcript.jsonl"
    count = bench.choose(4_000, 100)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in _transcript(bench.workload(), count))
    megabytes = path.stat().st_size / 1e6
    bench.say(f"importing a transcript of {megabytes:.0f} MB")
    parsing, _ = timed(lambda: [json.loads(line) for line in path.open(encoding="utf-8")])
    rows = [Row("json.loads of each line", {_COLUMN: megabytes / parsing})]
    rows += _ours(bench, path, count, megabytes)
    return [Section("import", f"import {megabytes:.0f} MB of a transcript, MB/s", (_COLUMN,), rows)]


def _ours(bench: Bench, path: Path, count: int, megabytes: float) -> list[Row]:
    with SessionStore(bench.root / "import", user=USER) as store:
        first, report = timed(lambda: store.import_sources([path]))
        if [(one.status, one.messages) for one in report.sessions] != [("new", count)]:
            return [Row("this library", {}, note=f"not measured: {report.to_dict()['sessions']}")]
        again, _ = timed(lambda: store.import_sources([path]))
    return [
        Row("this library", {_COLUMN: megabytes / first}),
        Row("this library, the same file again", {_COLUMN: megabytes / again}),
    ]


def _transcript(workload: Workload, count: int) -> Iterator[dict[str, Any]]:
    """Records of a transcript with so many messages, calls and their results besides."""
    parent: str | None = None
    number = 0
    for place, (message, *calls) in enumerate(workload.turns(count)):
        for role, content in _said(message, calls):
            uuid = str(UUID(int=number))
            moment = BEGAN + timedelta(seconds=place, milliseconds=number % 10)
            yield {
                "parentUuid": parent,
                "isSidechain": False,
                "type": role,
                "message": {"role": role, "content": content} | ({"id": f"msg_{place}"} if role == "assistant" else {}),
                "uuid": uuid,
                "timestamp": moment.isoformat().replace("+00:00", "Z"),
                "userType": "external",
                "cwd": PROJECT,
                "sessionId": str(UUID(int=1)),
                "version": "2.1.330",
                "gitBranch": "main",
            }
            parent = uuid
            number += 1


def _said(message: Record, calls: list[Record]) -> Iterator[tuple[str, Any]]:
    if message["role"] == "user":
        yield "user", message["content"]
        return
    yield "assistant", [{"type": "text", "text": message["content"]}]
    for call in calls:
        used = {"type": "tool_use", "id": call["id"], "name": call["tool_name"], "input": call["arguments"]}
        yield "assistant", [used]
        yield (
            "user",
            [
                {
                    "type": "tool_result",
                    "tool_use_id": call["id"],
                    "content": call["result"],
                    "is_error": not call["success"],
                }
            ],
        )
