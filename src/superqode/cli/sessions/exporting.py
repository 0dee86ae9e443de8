"""`export`: a session leaves the store as a file, or for a pipe."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import open_store, session_argument, store_option
from superqode.cli.output import emit, note, on_terminal
from superqode.cli.progress import progress
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session import Session, SessionStore
    from superqode.session.exporters.selection import Selected

__all__ = ["export"]

_FORMATS: Final = ("json", "base64", "markdown", "text", "html", "jsonl", "bundle")
_ENDINGS: Final = {
    ".json": "json",
    ".b64": "base64",
    ".base64": "base64",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".htm": "html",
    ".html": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".bundle": "bundle",
}
_STDOUT: Final = "-"
_BLOCK: Final = 1 << 20
# What a file system without hard links says.
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@click.command(
    "export",
    cls=Command,
    epilog=examples(
        "superqode sessions export @latest -o session.html",
        "superqode sessions export session-123 --format markdown --last 20 --no-tools",
        "superqode sessions export session-123 --redact -o session.json",
        "superqode sessions export @latest --format jsonl | jq -r 'select(.type == \"call\") | .tool_name'",
        "superqode sessions export session-123 -o session-123.bundle",
    ),
)
@session_argument
@click.option(
    "--format",
    "named",
    type=click.Choice(_FORMATS),
    help="What to write; without it as the file's ending says, and JSON to standard output.",
)
@click.option(
    "-o", "--output", "output", metavar="FILE", default=_STDOUT, help="Where to; - or nothing is standard output."
)
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Only the last N messages and tool calls.")
@click.option("--no-tools", is_flag=True, help="Leave tool calls and their results out.")
@click.option("--redact", is_flag=True, help="Mask passwords, keys and tokens, as shares do.")
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
@store_option
@click.pass_context
def export(
    ctx: click.Context,
    *,
    session_id: str,
    named: str | None,
    output: str,
    last: int | None,
    no_tools: bool,
    redact: bool,
    force: bool,
) -> None:
    """Write a session to a file or a pipe.

    json and base64 are the whole session and are read by `import`; bundle is its branch with all saves and
    snapshots, for git; jsonl has one entry a line, for programs; markdown, text and html are for people. The
    html page is one file that loads nothing. What --last, --no-tools or --redact make has an id of its own.
    """
    chosen = named or _guessed(ctx, output)
    if chosen == "bundle" and (last or no_tools or redact):
        raise click.UsageError(
            "a bundle holds the whole history as it is: leave --last, --no-tools and --redact out, or use"
            " `superqode share create`, which masks secrets in the history too",
            ctx,
        )
    if chosen == "bundle" and output == _STDOUT and on_terminal():
        raise click.UsageError("a bundle is no text for a terminal: name a file with -o, or send it into a pipe", ctx)
    with open_store() as store:
        found = store.resolve(session_id)
        with _target(ctx, output, force=force) as target:
            if chosen == "bundle":
                _write_bundle(store, found, target)
            else:
                _write_text(store, found, chosen, target, last=last, tools=not no_tools, redact=redact)
    if target is not None:
        clear = "" if redact else ". It holds the session in clear: keep it safe, or use --redact"
        emit(f"{line(output)}: {Path(output).stat().st_size:,} bytes, {chosen}{clear}")


def _guessed(ctx: click.Context, output: str) -> str:
    if output == _STDOUT:
        return "json"
    ending = Path(output).suffix.lower()
    if ending not in _ENDINGS:
        known = ", ".join(sorted(_ENDINGS))
        raise click.UsageError(f"no format is known by the ending of {output!r} ({known}): give --format", ctx)
    return _ENDINGS[ending]


def _write_text(
    store: SessionStore,
    session_id: str,
    chosen: str,
    target: Path | None,
    *,
    last: int | None,
    tools: bool,
    redact: bool,
) -> None:
    from superqode.session.store.exporting import select_session

    with progress("Exporting") as drawn:
        selected = select_session(store, session_id, last=last, tools=tools, redact=redact)
        _write(_gathered(_rendered(selected.session, chosen, drawn)), target)
    _tell(selected, redact=redact)


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


def _tell(selected: Selected, *, redact: bool) -> None:
    if selected.left_out:
        note(f"{selected.left_out:,} {'entry was' if selected.left_out == 1 else 'entries were'} left out")
    if redact:
        note(f"{count(selected.masked, 'secret')} masked; what no rule knows is not found")


def _rendered(session: Session, chosen: str, drawn: Callable[[int, int, str], None] | None) -> Iterator[str]:
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


def _write_bundle(store: SessionStore, session_id: str, target: Path | None) -> None:
    from superqode.session.store.bundling import bundle_session

    with tempfile.TemporaryDirectory(prefix="superqode-") as folder:
        made = bundle_session(store, session_id, Path(folder) / "session.bundle")
        with made.open("rb") as stream:
            _write(iter(lambda: stream.read(_BLOCK), b""), target)


def _write(chunks: Iterable[bytes], target: Path | None) -> None:
    if target is None:
        _print(chunks)
        return
    with target.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()


def _print(chunks: Iterable[bytes]) -> None:
    """Print bytes as they are, whatever the terminal's encoding.

    Raises:
        OutputClosed: nobody reads any more.
    """
    try:
        for chunk in chunks:
            click.echo(chunk, nl=False)
    except BrokenPipeError:
        emit("")  # fails as we did, and knows how to tell it


@contextmanager
def _target(ctx: click.Context, output: str, *, force: bool) -> Iterator[Path | None]:
    """Give the file to write, which becomes `output` when all went well; `None` for standard output."""
    if output == _STDOUT:
        yield None
        return
    path = Path(output).absolute()
    if path.is_dir():
        raise click.UsageError(f"{output!r} is a folder: name a file in it", ctx)
    if path.exists() and not path.is_file():
        yield path  # a device or a pipe: nothing is replaced
        return
    if os.path.lexists(path) and not force:
        raise FileExistsError(errno.EEXIST, "it is there already; --force replaces it", output)
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {str(path.parent)!r}", ctx)
    real = path.resolve()  # what a link names, not the link, is replaced
    handle, name = tempfile.mkstemp(prefix=f".{real.name[:100]}.", dir=real.parent)  # readable by us alone
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        if force:
            partial.replace(real)
        else:
            _put(partial, real)
    finally:
        partial.unlink(missing_ok=True)


def _put(partial: Path, path: Path) -> None:
    """Give a file its name, which nothing may have by now."""
    try:
        os.link(partial, path)
    except FileExistsError as problem:
        raise FileExistsError(errno.EEXIST, "it is there already; --force replaces it", str(path)) from problem
    except OSError as problem:
        if problem.errno not in _NO_LINKS or path.exists():
            raise
        partial.rename(path)
