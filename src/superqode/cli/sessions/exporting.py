"""`export`: sessions leave the store as files, or one for a pipe."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import open_store, resolve, sessions_argument, store_option
from superqode.cli.output import emit, note, on_terminal
from superqode.cli.progress import progress
from superqode.cli.sessions.targets import STDOUT, file_name, folder, target, write
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session import Session, SessionStore

__all__ = ["export"]

_FORMATS: Final = ("json", "base64", "markdown", "text", "html", "jsonl", "bundle")
# The first ending of each format is the one that files in a folder get.
_ENDINGS: Final = {
    ".json": "json",
    ".b64": "base64",
    ".base64": "base64",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".bundle": "bundle",
}
_BLOCK: Final = 1 << 20

_Drawn = Callable[[int, int, str], None] | None


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a session is to be written: `last`, `tools` and `redact` as in `Selection`."""

    format: str
    last: int | None
    tools: bool
    redact: bool
    force: bool

    @property
    def whole(self) -> bool:
        return self.tools and not (self.last or self.redact)


@click.command(
    "export",
    cls=Command,
    see=("sessions import", "share create", "sessions backup"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode sessions export @latest -o session.html",
        "superqode sessions export --all --format html -o talks/",
        "superqode sessions export session-123 --format markdown --last 20 --no-tools",
        "superqode sessions export session-123 --redact -o session.json",
        "superqode sessions export @latest --format jsonl | jq -r 'select(.type == \"call\") | .tool_name'",
        "superqode sessions export session-123 -o session-123.bundle",
    ),
)
@sessions_argument(required=False)
@click.option("--all", "everything", is_flag=True, help="Every session, each into a file of its own.")
@click.option(
    "--format",
    "named",
    type=click.Choice(_FORMATS),
    help="What to write; without it as the file's ending says, and JSON to standard output or a folder.",
)
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE|FOLDER/",
    default=STDOUT,
    help="Where to; - or nothing is standard output. Several sessions go into a folder, made where it is missing.",
)
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Only the last N messages and tool calls.")
@click.option("--no-tools", is_flag=True, help="Leave tool calls and their results out.")
@click.option("--redact", is_flag=True, help="Mask passwords, keys and tokens, as shares do.")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@store_option
@click.pass_context
def export(
    ctx: click.Context,
    *,
    session_ids: Sequence[str],
    everything: bool,
    named: str | None,
    output: str,
    last: int | None,
    no_tools: bool,
    redact: bool,
    force: bool,
) -> None:
    """Write sessions to files, or one to a pipe.

    json, base64 and jsonl (one entry a line, for programs) are the whole session and are read by `import`; bundle
    is its branch with all saves and snapshots, for git; markdown, text and html are for people. The html page
    is one file that loads nothing. What --last, --no-tools or --redact make has an id of its own.
    """
    if bool(session_ids) == everything:
        raise click.UsageError("name the sessions to export, or give --all alone", ctx)
    many = everything or len(session_ids) > 1 or output.endswith("/")
    if many and output == STDOUT:
        raise click.UsageError("several sessions go into a folder: name it with -o FOLDER/", ctx)
    chosen = named or ("json" if many else _guessed(ctx, output))
    wish = _Wish(chosen, last, not no_tools, redact, force)
    _check_bundle(ctx, wish, output)
    with open_store() as store:
        # All names first: a wrong one among them stops the command before anything is written.
        found = [resolve(store, session_id) for session_id in session_ids]
        if everything:
            found = [summary.id for summary in store.list_sessions()]
        if many:
            ctx.exit(_export_many(ctx, store, list(dict.fromkeys(found)), output, wish))
        _export_one(ctx, store, found[0], output, wish)


def _check_bundle(ctx: click.Context, wish: _Wish, output: str) -> None:
    if wish.format != "bundle":
        return
    if not wish.whole:
        raise click.UsageError(
            "a bundle holds the whole history as it is: leave --last, --no-tools and --redact out, or use"
            " `superqode share create`, which masks secrets in the history too",
            ctx,
        )
    if output == STDOUT and on_terminal():
        raise click.UsageError("a bundle is no text for a terminal: name a file with -o, or send it into a pipe", ctx)


def _guessed(ctx: click.Context, output: str) -> str:
    if output == STDOUT:
        return "json"
    ending = Path(output).suffix.lower()
    if ending not in _ENDINGS:
        known = ", ".join(sorted(_ENDINGS))
        raise click.UsageError(f"no format is known by the ending of {output!r} ({known}): give --format", ctx)
    return _ENDINGS[ending]


def _export_one(ctx: click.Context, store: SessionStore, session_id: str, output: str, wish: _Wish) -> None:
    with target(ctx, output, force=wish.force) as file, progress("Exporting") as drawn:
        left_out, masked = _write_session(store, session_id, file, wish, drawn)
    _tell(left_out, masked, wish)
    if file is not None:
        emit(f"{line(output)}: {Path(output).stat().st_size:,} bytes, {wish.format}{_clear(wish)}")


def _export_many(
    ctx: click.Context, store: SessionStore, session_ids: Sequence[str], output: str, wish: _Wish
) -> ExitCode:
    """Write each session into a file of a folder; what cannot be written is named, and the others are."""
    from superqode.session.errors import SessionError

    place = folder(ctx, output)
    ending = next(ending for ending, name in _ENDINGS.items() if name == wish.format)
    failed = left_out = masked = 0
    with progress("Exporting") as drawn:
        for number, session_id in enumerate(session_ids, 1):
            try:
                with target(ctx, str(place / file_name(session_id, ending)), force=wish.force) as file:
                    told = _write_session(store, session_id, file, wish, None)
            except (SessionError, OSError) as problem:
                note(f"{session_id}: {getattr(problem, 'strerror', None) or problem}")
                failed += 1
                continue
            left_out, masked = left_out + told[0], masked + told[1]
            if drawn is not None:
                drawn(number, len(session_ids), session_id)
    _tell(left_out, masked, wish)
    done = len(session_ids) - failed
    emit(f"{line(output)}: {count(done, 'session')}, {wish.format}{_clear(wish) if done else ''}")
    return (ExitCode.PARTLY if done else ExitCode.ERROR) if failed else ExitCode.OK


def _clear(wish: _Wish) -> str:
    return "" if wish.redact else ". It stands there in clear: keep it safe, or use --redact"


def _write_session(
    store: SessionStore, session_id: str, file: Path | None, wish: _Wish, drawn: _Drawn
) -> tuple[int, int]:
    """Write a session; gives how many entries were left out, and how many secrets masked."""
    if wish.format == "bundle":
        _write_bundle(store, session_id, file)
        return 0, 0
    from superqode.session.store.exporting import select_session

    selected = select_session(store, session_id, last=wish.last, tools=wish.tools, redact=wish.redact)
    write(_gathered(_rendered(selected.session, wish.format, drawn)), file)
    return selected.left_out, selected.masked


def _gathered(pieces: Iterable[str]) -> Iterator[bytes]:
    """The same text in few and larger pieces, as UTF-8."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def _tell(left_out: int, masked: int, wish: _Wish) -> None:
    if left_out:
        note(f"{left_out:,} {'entry was' if left_out == 1 else 'entries were'} left out")
    if wish.redact:
        note(f"{count(masked, 'secret')} masked; what no rule knows is not found")


def _rendered(session: Session, chosen: str, drawn: _Drawn) -> Iterator[str]:
    """The session in a format, in pieces."""
    if chosen == "html":
        from superqode.session.exporters import html

        return html.render(session, progress=drawn)
    if chosen == "markdown":
        from superqode.session.exporters import markdown

        return markdown.render(session)
    if chosen == "text":
        from superqode.session.exporters import plaintext

        return plaintext.render(session)
    if chosen == "jsonl":
        from superqode.session.exporters import jsonlines

        return jsonlines.render(session)
    return _document(session, chosen)


def _document(session: Session, chosen: str) -> Iterator[str]:
    from superqode.session.exporters import ExportedSession
    from superqode.session.exporters.visible import json_safe

    document = ExportedSession.of(session)
    whole = document.to_json() if chosen == "json" else document.to_base64()
    # On a terminal a control in a string could do what it says; escaped it means the same.
    yield (json_safe(whole) if on_terminal() else whole) + "\n"


def _write_bundle(store: SessionStore, session_id: str, file: Path | None) -> None:
    from superqode.session.store.bundling import bundle_session

    with tempfile.TemporaryDirectory(prefix="superqode-") as made_in:
        made = bundle_session(store, session_id, Path(made_in) / "session.bundle")
        with made.open("rb") as stream:
            write(iter(lambda: stream.read(_BLOCK), b""), file)
