"""Rust projects: cargo check, clippy, test, llvm-cov."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from superqode.qe.checks import Check, Draft, Reading
from superqode.qe.project import Project
from superqode.qe.reading import Broken, json_document, json_lines, number, text
from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["applies", "coverage", "lint", "read_cargo", "read_cargo_test", "regression", "smoke"]

# 101: an error of the compiler, or a test that failed.
_FINE: Final = frozenset((0, 101))
_JSON: Final = ("--message-format", "json")
_TEST: Final = re.compile(r"^test (.+?) \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
_FAILED: Final = re.compile(r"^---- ([^\n]+) stdout ----\n(.*?)(?=^---- |^failures:$|\Z)", re.MULTILINE | re.DOTALL)
_PANIC: Final = re.compile(r"^[^\n]*?panicked at ([^\n]*)(?=\n?([^\n]*))", re.MULTILINE)
# Where it panicked; before Rust 1.73 the message stands in front of it, else behind it or in the next line.
_PLACE: Final = re.compile(r"([^:]+):(\d+):\d+:?(.*)")


def applies(project: Project) -> bool:
    """Whether it looks like Rust."""
    return project.has("Cargo.toml")


def smoke(project: Project) -> Iterator[Check]:
    """Does everything compile?"""
    command = ("check", "--all-targets", *_JSON)
    yield _cargo(project, "check", command, partial(read_cargo, worst=Severity.CRITICAL, warnings=False))


def lint(project: Project) -> Iterator[Check]:
    """Clippy."""
    if project.runner.find("cargo-clippy") is None:
        yield Check("cargo clippy", missing="it is not installed: `rustup component add clippy`")
        return
    yield _cargo(project, "clippy", ("clippy", "--all-targets", *_JSON), read_cargo)


def regression(project: Project) -> Iterator[Check]:
    """Its tests."""
    yield _cargo(project, "test", ("test", "--no-fail-fast", *_JSON), read_cargo_test)


def coverage(project: Project) -> Iterator[Check]:
    """Which lines the tests reach, by cargo-llvm-cov."""
    if project.runner.find("cargo-llvm-cov") is None:
        yield Check("cargo llvm-cov", missing="it is not installed: `cargo install cargo-llvm-cov`")
        return
    yield _cargo(project, "llvm-cov", ("llvm-cov", "--json", "--summary-only"), _read_llvm)


def _cargo(project: Project, name: str, arguments: tuple[str, ...], read: Any) -> Check:
    program = project.runner.find("cargo")
    if program is None:
        return Check(f"cargo {name}", missing="cargo is not on the PATH")
    return Check(f"cargo {name}", (program, *arguments), read, fine=_FINE)


def read_cargo(ran: Ran, *, worst: Severity = Severity.HIGH, warnings: bool = True) -> Reading:
    """Read cargo's messages (https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages).

    Args:
        ran: how the command went.
        worst: how bad an error of the compiler is.
        warnings: whether warnings are faults, too.
    """
    drafts: dict[tuple[str, str, int], Draft] = {}
    for item in json_lines(ran.stdout):
        told = item.get("message")
        if item.get("reason") == "compiler-message" and isinstance(told, dict):
            draft = _message(told, worst)
            if draft is not None and (warnings or draft.severity is worst):
                drafts.setdefault((draft.message, draft.file, draft.line), draft)  # once, not for each target
    if not drafts and ran.exit_code:
        return Reading(broke=f"cargo ended with exit code {ran.exit_code}: {_last_line(ran.output)}")
    return Reading(list(drafts.values()), f"{len(drafts)} found")


def _message(told: dict[str, Any], worst: Severity) -> Draft | None:
    spans = [span for span in told.get("spans") or () if isinstance(span, dict)]
    place = next((span for span in spans if span.get("is_primary")), None)
    level = text(told.get("level"))
    if place is None or level not in ("error", "warning"):
        return None  # sums such as "2 warnings emitted"
    code = told.get("code")
    rule = text(code.get("code")) if isinstance(code, dict) else ""
    return Draft(
        rule or f"rustc-{level}",
        worst if level == "error" else Severity.LOW,
        text(told.get("message")),
        text(place.get("file_name")),
        number(place.get("line_start")),
        text(told.get("rendered")),
    )


def read_cargo_test(ran: Ran) -> Reading:
    """Read `cargo test`: the compiler's messages are JSON, the tests' are text, for which stable Rust has no report."""
    told = "\n".join(line for line in ran.stdout.splitlines() if not line.startswith("{"))
    # Behind the name may stand how it is to end, as in `name - should panic`.
    results = [(name.partition(" - ")[0], result) for name, result in _TEST.findall(told)]
    if not results and ran.exit_code:
        return read_cargo(ran, warnings=False)
    traces = dict(_FAILED.findall(told))
    names = [name for name, result in results if result == "FAILED"]
    drafts = [_test(name, traces.get(name, "")) for name in names]
    ignored = sum(1 for _, result in results if result == "ignored")
    note = f"{len(results)} tests, {len(drafts)} failed" + (f", {ignored} ignored" if ignored else "")
    return Reading(drafts, note)


def _test(name: str, trace: str) -> Draft:
    file, line, message = _panic(trace)
    if not file and ".rs" in name:  # a documentation test is named by its place
        file = name.partition(" ")[0]
    return Draft("test-failure", Severity.HIGH, f"{name}: {message or 'it failed'}", file, line, trace, name)


def _panic(trace: str) -> tuple[str, int, str]:
    for told, following in _PANIC.findall(trace):
        found = _PLACE.match(told.rpartition("', ")[2])
        if found:
            return found[1], int(found[2]), (found[3] or following).strip()
    return "", 0, ""


def _read_llvm(ran: Ran) -> Reading:
    try:
        lines = json_document(ran.stdout)["data"][0]["totals"]["lines"]
        return Reading(note=f"{float(lines['percent']):.1f} % of {number(lines['count']):,} lines")
    except Broken as problem:
        return Reading(broke=str(problem))
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        return Reading(broke=f"its report is not as documented ({problem!r})")


def _last_line(told: str) -> str:
    lines = told.strip().splitlines()
    return lines[-1] if lines else "no output"
