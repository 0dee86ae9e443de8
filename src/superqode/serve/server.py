"""The HTTP server: on a loopback address alone, one thread a request, everything read-only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from superqode.serve.guard import HEADERS, is_our_host, new_token
from superqode.serve.routes import Answer, answer
from superqode.session import SessionStore

__all__ = ["Server"]

_ADDRESS: Final = "127.0.0.1"
# How long a client may take over its request or over reading, in seconds.
_PATIENCE: Final = 30.0
# How many pages may be followed at once; each holds a thread.
_STREAMS_MAX: Final = 64
_READS: Final = ("GET", "HEAD")


class Server:
    """A store in the browser.

    Use it as a context manager: it listens from the beginning of the block to its end.

    Args:
        store: the store to show; it must stay open.
        port: the port; 0 for any that is free.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, store: SessionStore, *, port: int = 0) -> None:
        self.token = new_token()
        self._http = _Http(store, self.token, port)
        self._thread = threading.Thread(target=self._http.serve_forever, name="superqode-serve", daemon=True)

    @property
    def url(self) -> str:
        """Where to begin: the URL with the token."""
        return f"http://{_ADDRESS}:{self._http.server_port}/{self.token}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and end the streams."""
        self._http.ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Wait until somebody closes it."""
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, store: SessionStore, token: str, port: int) -> None:
        super().__init__((_ADDRESS, port), _Handler)
        self.store = store
        self.token = token
        self.ended = threading.Event()
        self.streams = threading.BoundedSemaphore(_STREAMS_MAX)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; a browser does so with every page it leaves."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = _PATIENCE
    # Says nothing of what it is made with.
    server_version = "superqode"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def __getattr__(self, name: str) -> Any:
        # http.server asks for `do_POST` and the like by name.
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _refuse_method(self) -> None:
        self._send(Answer(["This view is read-only.\n"], "text/plain; charset=utf-8", HTTPStatus.METHOD_NOT_ALLOWED))

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not is_our_host(hosts[0], self.server.server_port):
            refused = "This server answers to its loopback address alone.\n"
            self._send(Answer([refused], "text/plain; charset=utf-8", HTTPStatus.MISDIRECTED_REQUEST))
            return
        self._send(answer(self.server.store, self.server.token, self.path))

    def _send(self, given: Answer) -> None:
        if given.endless:
            self._stream(given)
            return
        body = "".join(given.pieces).encode()
        self._begin(given.status, given.kind, length=len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: int, kind: str, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_READS))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, given: Answer) -> None:
        with self._place() as free:
            if not free:
                self._send(Answer(["Too many pages are open.\n"], "text/plain; charset=utf-8", 503))
                return
            self._begin(given.status, given.kind)
            if self.command == "HEAD":
                return
            for piece in given.pieces:
                if self.server.ended.is_set():
                    return
                self.wfile.write(piece.encode())
                self.wfile.flush()

    @contextmanager
    def _place(self) -> Iterator[bool]:
        free = self.server.streams.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self.server.streams.release()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the method it replaces
        """Requests are nobody's business: URLs hold the token."""
        del format, args
