"""Where exports go: standard output, a file that is there whole or not at all, a folder of such files."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import click

from superqode.cli.output import emit
from superqode.session.ids import is_session_id

__all__ = ["STDOUT", "file_name", "folder", "target", "write"]

STDOUT: Final = "-"
# What a file system without hard links says.
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def write(chunks: Iterable[bytes], target: Path | None) -> None:
    """Write bytes to a file, or as they are to standard output.

    Raises:
        OutputClosed: nobody reads standard output any more.
    """
    if target is None:
        _print(chunks)
        return
    with target.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()


def _print(chunks: Iterable[bytes]) -> None:
    """Print bytes as they are, whatever the terminal's encoding."""
    try:
        for chunk in chunks:
            click.echo(chunk, nl=False)
    except BrokenPipeError:
        emit("")  # fails as we did, and knows how to tell it


@contextmanager
def target(ctx: click.Context, output: str, *, force: bool) -> Iterator[Path | None]:
    """Give the file to write, which becomes `output` when all went well; `None` for standard output."""
    if output == STDOUT:
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


def folder(ctx: click.Context, output: str) -> Path:
    """Give the folder that `output` names, made where it is missing, for its owner alone."""
    path = Path(output).absolute()
    if path.exists() and not path.is_dir():
        raise click.UsageError(f"{output!r} is a file: name a folder for a file of each session", ctx)
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {str(path.parent)!r}", ctx)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def file_name(session_id: str, ending: str) -> str:
    """Give the name of a session's file in a folder; a branch that plain git named may hold what no file name can."""
    plain = session_id if is_session_id(session_id) else quote(session_id, safe=" ").lstrip(".")
    return f"{plain}{ending}"
