"""`superqode serve`: the store in a browser of this machine, to read only."""

from __future__ import annotations

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import emit, emit_json, note

__all__ = ["serve"]

_PORT_MAX = 65_535


@click.command(
    "serve",
    cls=Command,
    see=("sessions show", "sessions export"),
    epilog=examples("superqode serve", "superqode serve --port 8377 --open"),
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(min=0, max=_PORT_MAX),
    default=0,
    help="The port to listen on; without it, any that is free.",
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser, too.")
@json_option("{url}, printed once it listens", "Served")
@store_option
def serve(port: int, opened: bool) -> None:
    """Show the store in a browser of this machine, to read only.

    List, search, conversations, history and lineage; pages follow what other processes save. It listens on
    127.0.0.1 alone. Whoever has the URL, which holds a token of this run, can read all sessions until Ctrl-C.
    """
    from superqode.serve import Server

    with open_store() as store, Server(store, port=port) as server:
        if wants_json():
            emit_json({"url": server.url})
        else:
            emit(server.url)
        note("read-only, for this machine alone; Ctrl-C ends it")
        if opened:
            _open(server.url)
        server.wait()


def _open(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        note("no browser could be opened: open the URL above yourself")
