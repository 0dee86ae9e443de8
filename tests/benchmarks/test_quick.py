"""The benchmarks run: how fast is no matter for a test, that every number is there is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from servers import WebServer

HERE = Path(__file__).parent

DISK = {
    "payload: the entries as JSON lines",
    "the last state in one gzip -9",
    "this library, before maintenance",
    "this library, with its whole history",
    "its caches, once searched and loaded",
}

ROWS = {
    "process": {
        "python -c pass",
        "python -c 'import click'",
        "python -c 'import superqode.session'",
        "superqode --help",
        "superqode sessions list, of 100",
    },
    "screens": {
        "a bare app's first picture",
        "superqode tui, 50 sessions",
        "load of 100 messages",
        "… on the screen",
    },
    "record": {"a line to an agent and none between", "cat | agent | cat", "this library, recording"},
    "list": {
        "superqode 2.25.0's way: index.json",
        "git for-each-ref, a process",
        "this library, nothing changed",
        "… after one foreign change",
        "… the index made anew",
    },
    "list-process": {
        "superqode 2.25.0's way, a process",
        "this library, a process",
        "superqode sessions list",
        "… ÷ superqode 2.25.0's way",
    },
    "search": {
        "the first (all words are read)",
        "those after it (six queries)",
        "the next after one more save",
    },
    "search-many": {
        "the first (all words are read)",
        "those after it (seven queries)",
        "… the slowest",
        "grep in JSONL of messages, a process",
        "first hit on the screen, a process",
    },
    "writers": {"JSONL + fsync", "gzip-JSON", "this library", "… ÷ gzip-JSON", "… ÷ those of its that are kept"},
    "writers-kept": {"JSONL + fsync", "gzip-JSON", "this library"},
    "kills": {"JSONL + fsync", "gzip-JSON (superqode 2.25.0's way)", "this library"},
    "large": {
        "JSONL + fsync",
        "gzip-JSON (superqode 2.25.0's way)",
        "this library",
        "… ÷ JSONL + fsync",
        "… the next ÷ usual",
    },
    "scale": {
        "the index made anew",
        "all words read for the search",
        "list 50, nothing changed",
        "list of a project",
        "search a word that none has",
        "search a word that most have",
        "search a word of every title",
        "load one",
        "load the latest",
        "find one by its beginning",
        "look for one that is not there",
        "save one more message",
        "save a new session",
        "save a new session, its id given",
        "list 50 after a save",
        "list all again, one changed",
        "list 50 whose ids begin so",
        "the tree of all",
        "a quick verify of all",
        "sessions list, a process",
        "… ÷ 100",
    },
    "scale-maintenance": {"alone", "beside maintenance", "… ÷ alone"},
    "scale-end": {"open the last 50", "… and save one more", "… ÷ 100"},
    "import": {"json.loads of each line", "this library", "this library, the same file again"},
    "share": {
        "git push",
        "share, encrypted",
        "share, public",
        "git fetch",
        "open, encrypted",
        "open, public",
        "a password's key derivation, besides",
        "looking for secrets",
    },
    "server": {
        "git ls-remote",
        "git fetch of one ref",
        "open",
        "share",
        "update",
        "revoke",
        "the server's first look at all",
        "share, with the server's hooks",
        "update, with the server's hooks",
        "revoke, with the server's hooks",
        "list the public ones",
        *(f"{what}, hooks, one ref told" for what in ("share", "update", "revoke") if not WebServer.obstacles()),
        "prune 100 expired ones",
        "the server's own look at all",
    },
    "update": {"their commits in a pack", "sent"},
    "sync": {
        "git push",
        "git fetch",
        "rsync of JSON Lines, there",
        "rsync of JSON Lines, back",
        "sync, sealed, there",
        "sync, sealed, here",
        "sync, plain, there",
        "sync, plain, here",
    },
    "share-memory": {"a process that loads the session", "a process that shares it"},
    "scan": {
        "this library, as one text",
        "this library, text by text",
        "this library, entry by entry",
        "the detector library alone",
    },
    "disk": DISK,
    "disk-small": DISK,
    "memory": {"JSONL, as dicts", "this library, packed"},
    "load": {
        "JSONL + fsync",
        "SQLite, synchronous=FULL",
        "git program",
        "gzip-JSON (superqode 2.25.0's way)",
        "this library, from its cache",
        "this library, packed",
        "this library, loose files",
        "… from its cache ÷ JSONL",
        "… packed ÷ JSONL",
        "… loose files ÷ JSONL",
    },
    "save": {
        "JSONL + fsync",
        "SQLite, synchronous=FULL",
        "git program",
        "gzip-JSON (superqode 2.25.0's way)",
        "this library",
        "… ÷ JSONL + fsync",
        "gzip-JSON ÷ …",
        "… at so many messages ÷ at 10",
        "… its calls that wait for the disk",
    },
}


def test_a_quick_run_measures_everything_and_fits_on_the_page(tmp_path: Path) -> None:
    """`--quick` ends well and tidily, with a number in each row, and a table at most 100 columns wide."""
    seen, folder = tmp_path / "seen.json", tmp_path / "work"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERQODE_")}
    done = subprocess.run(
        [sys.executable, str(HERE), "--quick", "--json", str(seen), "--folder", str(folder)],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(seen.read_text("utf-8"))
    rows = {section["name"]: {row["label"]: row for row in section["rows"]} for section in document["sections"]}
    lacking = set() if shutil.which("rsync") else {label for label in ROWS["sync"] if label.startswith("rsync")}
    assert {name: set(found) | (lacking if name == "sync" else set()) for name, found in rows.items()} == ROWS
    assert all(row["values"] for found in rows.values() for row in found.values()), rows
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert list(folder.iterdir()) == []
