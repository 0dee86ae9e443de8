"""Real Git servers on loopback for the tests: OpenSSH with gitolite, nginx with `git http-backend`, `git daemon`.

A test asks for a fixture of `servers.fixtures`, makes itself a repository on it, and becomes one of its users:

    def test_it(ssh_server, home):
        served = ssh_server.repository()
        ssh_server.access("alice").use(home)
        # now `git push <served.url>` works for alice, from the user's settings, as on a real machine

Users are `alice`, who may read and write, `bob`, who may read, `stranger`, with a key or password that nobody knows,
and `nobody`, who has none. Nothing is changed outside a temporary folder, except that root's sshd needs /run/sshd.
"""

from servers.daemon import GitDaemon
from servers.process import Served, Server, ServerFailed
from servers.proxy import CuttingProxy
from servers.repositories import bare_repository, install_hook
from servers.ssh import SshServer
from servers.user import Access
from servers.web import WebServer

__all__ = [
    "Access",
    "CuttingProxy",
    "GitDaemon",
    "Served",
    "Server",
    "ServerFailed",
    "SshServer",
    "WebServer",
    "bare_repository",
    "install_hook",
]
