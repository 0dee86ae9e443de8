"""`superqode serve`: what it prints, and how it ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
from urllib.parse import urlsplit

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore


def serving(cli, *args):
    """Start `superqode serve`."""
    return subprocess.Popen(cli._command(("serve", *args)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_prints_the_url_and_serves_until_ctrl_c(cli):
    """One line on stdout leads to the list; Ctrl-C ends it as cancelled, without a traceback."""
    with SessionStore(cli.store) as store:
        store.save(Session(id="one", title="Served"))
    process = serving(cli)
    url = process.stdout.readline().strip()
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.netloc, timeout=20)
    connection.request("GET", split.path)
    assert "Served" in connection.getresponse().read().decode()
    connection.close()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == ExitCode.CANCELLED
    assert "Traceback" not in told


def test_json_tells_the_url(cli):
    """Programs get a document with the URL."""
    with SessionStore(cli.store) as store:
        store.save(Session(id="one", title="Served"))
    process = serving(cli, "--json")
    document = "".join(iter(process.stdout.readline, "}\n")) + "}"
    assert json.loads(document)["url"].startswith("http://127.0.0.1:")
    process.kill()
    process.communicate()


def test_a_taken_port_is_said(cli):
    """Another program has the port: one line and an exit code."""
    with SessionStore(cli.store) as store:
        store.save(Session(id="one", title="Served"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = serving(cli, "--port", str(taken.getsockname()[1]))
        _, told = process.communicate(timeout=20)
    assert process.returncode == ExitCode.ERROR
    assert "Address already in use" in told
    assert "Traceback" not in told
