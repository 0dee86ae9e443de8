"""A TCP proxy that lets so many bytes through and then breaks: a server or network that goes away in the middle."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Literal, Self

_PIECE = 16384
# SO_LINGER on, zero seconds: close sends a reset, as a machine that lost its memory of the connection does.
_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """A proxy on loopback before one port: `with CuttingProxy(served.port, sent=5000) as proxy: served.through(proxy.port)`.

    Bytes are counted over all connections since the start. When a limit is reached, every connection breaks, and new
    ones do too, until `heal` lifts the limits.

    Args:
        target: the server's port.
        sent: how many bytes a client may send; `None` for any number.
        answered: how many bytes the server may answer; `None` for any number.
        then: `close` breaks the connections with a reset; `stall` keeps them open and passes nothing on any more;
            `recover` breaks them and lets new ones through, as a server does that starts again; `vanish` breaks them
            and listens no more, for good.
        gate: asked before each piece of the server's answer is passed on; `False` breaks as a limit does. So an answer
            can be lost just when the server has done what it was asked, however many bytes that took.
    """

    def __init__(
        self,
        target: int,
        *,
        sent: int | None = None,
        answered: int | None = None,
        then: Literal["close", "stall", "recover", "vanish"] = "close",
        gate: Callable[[], bool] = lambda: True,
    ) -> None:
        self._target = target
        self._left = {"sent": sent, "answered": answered}
        self._then = then
        self._gate = gate
        self._guard = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = {"sent": 0, "answered": 0}
        self._refuses = False
        self.broken = threading.Event()

    def heal(self) -> None:
        """Let everything through from now on."""
        with self._guard:
            self._left = {"sent": None, "answered": None}
            self._gate = lambda: True
            self._refuses = False

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listen_no_more()
        self._cut()
        for thread in self._threads:
            thread.join(timeout=10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses and self._then == "close":
                _reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _reset(client)
                continue
            with self._guard:
                self._open += [client, server]
            self._start(self._pass_on, client, server, "sent")
            self._start(self._pass_on, server, client, "answered")

    def _pass_on(self, source: socket.socket, target: socket.socket, way: str) -> None:
        """Copy one direction until its end, or until the limit."""
        try:
            while piece := source.recv(_PIECE):
                allowed = self._allowed(len(piece), way)
                target.sendall(piece[:allowed])
                if allowed < len(piece):
                    self._break()
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _allowed(self, size: int, way: str) -> int:
        """How many of these bytes may pass; they count as passed."""
        with self._guard:
            left = self._left[way]
            allowed = size if left is None else min(size, left)
            if self._refuses or (way == "answered" and not self._gate()):
                allowed = 0
            if left is not None:
                self._left[way] = left - allowed
            self.passed[way] += allowed
            return allowed

    def _break(self) -> None:
        self.broken.set()
        self._refuses = True
        if self._then == "vanish":
            self._listen_no_more()
        if self._then != "stall":
            self._cut()
        if self._then == "recover":
            self.heal()

    def _listen_no_more(self) -> None:
        # Shutting it down wakes accept; closing alone would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _cut(self) -> None:
        with self._guard:
            opened, self._open = self._open, []
        for one in opened:
            _reset(one)


def _reset(connection: socket.socket) -> None:
    """End a connection with a reset; a thread that reads from it is woken."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
