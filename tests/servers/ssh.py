"""OpenSSH with gitolite, as a team runs it: one account, a key for each person, gitolite decides who may do what.

The account is the one that runs the tests, because sshd needs a real one; each key is bound to a command that gives
gitolite a home in the temporary folder, so that nothing of the account's own home is read or written.
"""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from servers.process import Server, ServerFailed, program
from servers.repositories import clean_environment, server_git
from servers.user import Access, Trust, Who

_RUN_SSHD = Path("/run/sshd")
_SSHD = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/keys/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
PermitUserRC no
AcceptEnv GIT_PROTOCOL
MaxStartups 100
"""
_CLIENT = """\
Host *
    IdentityFile {identity}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    HostKeyAlias sessions-server
    UpdateHostKeys no
    ControlPath none
"""
_GITOLITE = """\
@open = {names}
@heads = {heads}
repo @open
    RW+ = alice
    R   = bob
repo @heads
    RW+ refs/heads/ = alice
    R   = bob
"""


class SshServer(Server):
    """sshd with gitolite. A hook sees the user's name in `GL_USER`."""

    title = "sshd with gitolite"
    needs = MappingProxyType({"sshd": "openssh-server", "ssh-keygen": "openssh-client", "gitolite": "gitolite3"})
    listens = ("ssh",)

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._heads: list[str] = []

    @classmethod
    def obstacles(cls) -> list[str]:
        """Missing programs, or an account that sshd lets nobody into."""
        found = super().obstacles()
        account = pwd.getpwuid(os.getuid())
        if Path(account.pw_shell).name in ("nologin", "false"):
            found.append(f"the account {account.pw_name} has no shell, so sshd lets nobody in")
        shadow = Path("/etc/shadow")
        if os.access(shadow, os.R_OK) and f"\n{account.pw_name}:!" in "\n" + shadow.read_text("utf-8"):
            found.append(f"the account {account.pw_name} is locked, so sshd lets nobody in")
        return found

    def branches_only(self, name: str) -> str:
        """A new repository that takes branches and nothing else, as some hosts do; gives its URL."""
        self._heads.append(name)
        self._compile()
        return self._url(name)

    def access(self, who: Who, trust: Trust = "right") -> Access:
        """The user's own key and known hosts; `nobody` has a key file that is not there."""
        config = self.folder / f"config-{who}-{trust}"
        config.write_text(
            _CLIENT.format(identity=self.folder / "keys" / who, known_hosts=self.folder / f"known-{trust}"), "utf-8"
        )
        return Access(who, {"core.sshCommand": f"ssh -F {shlex.quote(str(config))}"})

    def _url(self, name: str) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.ports['ssh']}/{name}"

    def _prepare(self) -> None:
        keys = self.folder / "keys"
        keys.mkdir(mode=0o700)
        for name in ("host", "other", "alice", "bob", "stranger"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)]
            subprocess.run(make, check=True, timeout=60)
        for trust, key in (("right", "host"), ("other", "other")):
            (self.folder / f"known-{trust}").write_text(f"sessions-server {_public(keys / key)}\n", "utf-8")
        (self.folder / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n", "utf-8")
        shell = f"{self._gitolite('query-rc', 'GL_BINDIR')}/gitolite-shell"
        home = clean_environment(self.folder)
        lines = [
            f'command="env HOME={home["HOME"]} PATH={home["PATH"]} {shell} {who}",restrict {_public(keys / who)}\n'
            for who in ("alice", "bob")
        ]
        (self.folder / "authorized_keys").write_text("".join(lines), "utf-8")
        self._gitolite("setup", "-a", "alice")

    def _commands(self) -> list[list[str]]:
        if os.getuid() == 0:
            _RUN_SSHD.mkdir(mode=0o755, exist_ok=True)  # as sshd's own service does: root's sshd is built to need it
        text = _SSHD.format(port=self.ports["ssh"], folder=self.folder)
        if _version() >= (9, 8):
            text += "PerSourcePenalties no\n"  # tests with wrong keys all come from one address
        config = self.folder / "sshd_config"
        config.write_text(text, "utf-8")
        sshd = program("sshd")
        assert sshd is not None
        return [[sshd, "-D", "-e", "-f", str(config)]]

    def _make(self, name: str, settings: Mapping[str, str]) -> Path:
        self._names.append(name)
        self._compile()
        path = self.folder / "repositories" / f"{name}.git"
        for key, value in settings.items():
            server_git(path, "config", key, value)
        return path

    def _compile(self) -> None:
        """Tell gitolite of the repositories; it makes those that are new."""
        text = _GITOLITE.format(names=" ".join(self._names) or "none", heads=" ".join(self._heads) or "no-heads")
        (self.folder / ".gitolite" / "conf" / "gitolite.conf").write_text(text, "utf-8")
        self._gitolite("compile")

    def _gitolite(self, *arguments: str) -> str:
        done = subprocess.run(
            ["gitolite", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=clean_environment(self.folder),
        )
        if done.returncode != 0:
            raise ServerFailed(f"gitolite {arguments[0]}: {done.stderr}")
        return done.stdout.strip()


def _public(key: Path) -> str:
    return key.with_suffix(".pub").read_text("utf-8").strip()


def _version() -> tuple[int, int]:
    """OpenSSH's version; sshd tells its own only in newer ones, and comes in the same version as ssh."""
    told = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True, timeout=60).stderr
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)
