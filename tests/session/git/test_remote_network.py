"""Running git against a remote: whose settings count, that nothing asks, nothing hangs, and nothing stays behind."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from servers import bare_repository
from superqode.session.errors import RemoteRefNotFound, RemoteUnauthorized, RemoteUnreachable
from superqode.session.git import network, program
from superqode.session.git.network import NO_REPOSITORY
from superqode.session.git.remote import ls_remote

SILENT = "\nwhile :; do sleep 0.1; done\n"


@pytest.fixture
def script(tmp_path):
    """Makes a shell script; gives its path."""

    def make(name, text):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def silent_server():
    """A port of a server that takes connections and never says a word."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            try:
                while True:
                    held.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for connection in held:
        connection.close()


def _gone(process):
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text() if Path("/proc").is_dir() else ""
            os.kill(process, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        if ") Z " in state:
            return True
        time.sleep(0.05)
    return False


# -- no hang -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["git", "http", "https", "ssh"])
def test_a_silent_server_is_given_up(silent_server, scheme):
    """A server that accepts and says nothing ends in an error within the patience, by every protocol."""
    started = time.monotonic()
    with pytest.raises(RemoteUnreachable, match=r"did not answer for 1 seconds|stopped answering"):
        ls_remote(f"{scheme}://127.0.0.1:{silent_server}/x", [], patience=1)
    assert time.monotonic() - started < 8


def test_the_whole_group_goes(script, tmp_path, monkeypatch):
    """An ssh that hangs is killed with what it started, also where it does not want to."""
    command = script(
        "slow", f"trap '' TERM HUP\nsh -c 'echo $$ > {tmp_path}/child; sleep 60' &\necho $$ > {tmp_path}/me" + SILENT
    )
    monkeypatch.setenv("GIT_SSH_COMMAND", str(command))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    with pytest.raises(RemoteUnreachable, match=r"did not answer for 0\.5 seconds"):
        ls_remote("me@example.invalid:x", [], patience=0.5)
    for name in ("child", "me"):
        assert _gone(int((tmp_path / name).read_text()))


def test_growth_is_a_sign_of_life():
    """While the watched number changes a silent git may take its time; once it stands still, not."""
    settings = {"alias.wait": "!sleep 1.5"}
    ticks = iter(range(10_000))
    ended = network.run(["wait"], purpose="Trying", patience=0.5, settings=settings, watch=lambda: next(ticks))
    assert (ended.code, ended.waited) == (0, 0)
    assert network.run(["wait"], purpose="Trying", patience=0.5, settings=settings, watch=lambda: 1).waited == 0.5


@pytest.mark.parametrize("where", ["output", "progress", "watch"])
def test_an_error_of_the_caller_stops_git(where, tmp_path):
    """What a callback raises comes out at once, and git is gone."""

    def stop(*_):
        raise KeyError(where)

    settings = {"alias.talk": f"!echo $$ > {tmp_path}/pid; echo x; echo 'Counting objects: 5' >&2; exec sleep 60"}
    started = time.monotonic()
    with pytest.raises(KeyError, match=where):
        network.run(["talk"], purpose="Trying", settings=settings, **{where: stop})
    assert time.monotonic() - started < 10
    pid = tmp_path / "pid"
    assert not pid.exists() or _gone(int(pid.read_text()))


def test_a_helper_that_stays_does_not_hold_us(tmp_path):
    """A credential cache that keeps the pipes open after git ended is not waited for."""
    settings = {"alias.leave": f"!(echo $$ > {tmp_path}/pid; exec sleep 20) & echo done"}
    heard = []
    started = time.monotonic()
    ended = network.run(["leave"], purpose="Trying", settings=settings, output=heard.append)
    assert (ended.code, b"".join(heard)) == (0, b"done\n")
    assert time.monotonic() - started < 10


def test_endless_words_stay_bounded():
    """Megabytes of words, in lines or in one, are taken in, and the last lines kept."""
    settings = {
        "alias.talk": "!yes word | head -c 5000000 >&2; head -c 5000000 /dev/zero | tr '\\0' y >&2; echo >&2; echo last >&2"
    }
    ended = network.run(["talk"], purpose="Trying", settings=settings)
    assert ended.lines[-1] == "last"
    assert len(ended.lines) <= 200
    assert max(map(len, ended.lines)) <= 1000


def test_words_have_no_control_characters():
    """Colours, bells and directions of writing are taken out of what a server says."""
    settings = {"alias.talk": "!printf '\\033[31mred\\007 \\342\\200\\256x\\n' >&2"}
    assert network.run(["talk"], purpose="Trying", settings=settings).lines == ("[31mred x",)


# -- nothing asks ------------------------------------------------------------------------------------------------------


def test_nothing_asks(script, tmp_path, monkeypatch):
    """No window and no terminal is asked for a password when nobody is there to answer."""
    asked = script("ask", f"touch {tmp_path}/asked\necho secret")
    monkeypatch.setenv("SSH_ASKPASS", str(asked))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":99")
    (Path(os.environ["HOME"]) / ".gitconfig").write_text(f"[core]\naskPass={asked}\n")

    environment = program.network_environment(NO_REPOSITORY, interactive=False)
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=b"protocol=https\nhost=example.org\n\n",
        env=environment,
        capture_output=True,
        check=False,
    )
    assert b"terminal prompts disabled" in done.stderr
    assert not (tmp_path / "asked").exists()
    assert "SSH_ASKPASS" not in environment
    assert environment["SSH_ASKPASS_REQUIRE"] == "never"


def test_people_are_asked_where_they_are_there(script, monkeypatch):
    """An interactive call leaves prompts and askpass programs as the user has them."""
    asked = script("ask", "echo secret")
    monkeypatch.setenv("SSH_ASKPASS", str(asked))
    environment = program.network_environment(NO_REPOSITORY, interactive=True)
    assert environment["SSH_ASKPASS"] == str(asked)
    assert "GIT_TERMINAL_PROMPT" not in environment
    assert "GIT_ASKPASS" not in environment
    assert "BatchMode" not in environment["GIT_SSH_COMMAND"]


@pytest.mark.parametrize("interactive", [True, False], ids=["people", "nobody"])
def test_only_people_share_their_terminal(interactive):
    """With people there git stays in our session, where the terminal is; otherwise it has one without a terminal."""
    heard = []
    settings = {"alias.session": f"!{sys.executable} -c 'import os; print(os.getsid(0))'"}
    network.run(["session"], purpose="Trying", interactive=interactive, settings=settings, output=heard.append)
    assert (int(b"".join(heard)) == os.getsid(0)) == interactive


def test_the_users_own_askpass_works(script, monkeypatch):
    """GIT_ASKPASS, as automatons set it, is the user's own credential and is kept."""
    monkeypatch.setenv("GIT_ASKPASS", str(script("ask", "echo from-askpass")))
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=b"protocol=https\nhost=example.org\n\n",
        env=program.network_environment(NO_REPOSITORY, interactive=False),
        capture_output=True,
        check=True,
    )
    assert b"password=from-askpass" in done.stdout


# -- whose settings count ----------------------------------------------------------------------------------------------


def test_only_what_logs_us_in_is_kept(monkeypatch):
    """Credentials, proxies, certificates and the place of the user's settings stay; what points elsewhere goes."""
    kept = {
        "GIT_SSL_CAINFO": "x",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_HTTP_LOW_SPEED_TIME": "5",
        "GIT_PROXY_COMMAND": "x",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": "x",
        "https_proxy": "http://proxy.example",
        "SSH_AUTH_SOCK": "/agent",
    }
    gone = (
        "DIR WORK_TREE INDEX_FILE OBJECT_DIRECTORY ALTERNATE_OBJECT_DIRECTORIES COMMON_DIR NAMESPACE TRACE TRACE_CURL"
    )
    gone += " TRACE2_EVENT CONFIG_PARAMETERS CONFIG QUARANTINE_PATH EXEC_PATH PROTOCOL_FROM_USER CEILING_DIRECTORIES"
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    for name in gone.split():
        monkeypatch.setenv(f"GIT_{name}", "x")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    environment = program.network_environment(NO_REPOSITORY, interactive=False)

    assert kept.items() <= environment.items()
    assert not [name for name in gone.split() if f"GIT_{name}" in environment]
    assert environment["LC_ALL"] == "C"
    assert environment["GIT_ALLOW_PROTOCOL"] == "file:git:http:https:ssh"


def test_a_narrower_list_of_protocols_is_respected(monkeypatch):
    """Whoever allows only some protocols gets only those, and never others of theirs."""
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https:ext")
    assert program.network_environment(NO_REPOSITORY, interactive=False)["GIT_ALLOW_PROTOCOL"] == "https"


OPTIONS = "-o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=20"


@pytest.mark.parametrize(
    ("variables", "settings", "command"),
    [
        ({}, {}, f"ssh {OPTIONS}"),
        ({"GIT_SSH_COMMAND": "ssh -i 'my key'"}, {"core.sshCommand": "x"}, f"ssh -i 'my key' {OPTIONS}"),
        ({}, {"core.sshCommand": "/usr/bin/ssh -F x"}, f"/usr/bin/ssh -F x {OPTIONS}"),
        ({"GIT_SSH": "/opt/my ssh/ssh"}, {}, f"'/opt/my ssh/ssh' {OPTIONS}"),
        ({"GIT_SSH": "/opt/plink"}, {}, None),
        ({"GIT_SSH_COMMAND": "wrapper x"}, {}, "wrapper x"),
        ({"GIT_SSH_COMMAND": "wrapper x"}, {"ssh.variant": "ssh"}, f"wrapper x {OPTIONS}"),
        ({"GIT_SSH_COMMAND": "ssh", "GIT_SSH_VARIANT": "simple"}, {}, "ssh"),
        ({"GIT_SSH_COMMAND": "ssh 'x"}, {}, "ssh 'x"),
    ],
    ids=range(9),
)
def test_the_users_ssh_command_is_kept(variables, settings, command, monkeypatch, tmp_path):
    """Our options come behind the user's own, whose first word counts, and only where OpenSSH understands them."""
    repository = bare_repository(tmp_path / "x", settings)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert program.network_environment(repository, interactive=False).get("GIT_SSH_COMMAND") == command


def test_the_users_helper_and_certificates_reach_git(script, monkeypatch):
    """A credential helper of the user's settings answers, also when git runs on no repository."""
    helper = script("helper", "echo username=me; echo password=from-helper")
    (Path(os.environ["HOME"]) / ".gitconfig").write_text(f"[credential]\nhelper={helper}\n")
    heard = []
    settings = {"alias.fill": "!printf 'protocol=https\\nhost=example.org\\n\\n' | git credential fill"}
    network.run(["fill"], purpose="Trying", settings=settings, output=heard.append)
    assert b"password=from-helper" in b"".join(heard)


# -- no connection -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["git", "http", "https", "ssh"])
def test_a_closed_port_is_unreachable(scheme):
    """A connection that is refused is told at once, in the words that count."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        RemoteUnreachable, match=f"{scheme}://127.0.0.1:{port}/x cannot be reached: the connection was refused"
    ):
        ls_remote(f"{scheme}://127.0.0.1:{port}/x", [])


@pytest.mark.parametrize("scheme", ["git", "http", "https", "ssh"])
def test_a_host_that_is_not_there_is_unreachable(scheme):
    """A name that leads nowhere is told as that."""
    with pytest.raises(RemoteUnreachable, match=r"there is no host nowhere\.invalid"):
        ls_remote(f"{scheme}://nowhere.invalid/x", [])


def test_errors_have_no_credentials():
    """Neither message nor attributes of an error have what was in the URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RemoteUnreachable) as caught:
        ls_remote(f"http://someone:hunter22@127.0.0.1:{port}/x?key=abcdef", [])
    told = f"{caught.value} {vars(caught.value)}"
    assert not [secret for secret in ("hunter22", "someone", "abcdef") if secret in told]
    assert caught.value.remote == f"http://127.0.0.1:{port}/x"


def test_errors_are_of_their_kind():
    """Our finer errors can be caught as the general ones."""
    assert issubclass(RemoteRefNotFound, LookupError)
    assert issubclass(RemoteUnauthorized, PermissionError)
    assert issubclass(RemoteUnreachable, ConnectionError)
