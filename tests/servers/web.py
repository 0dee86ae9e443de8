"""nginx, fcgiwrap and `git http-backend`: smart HTTP with basic authentication, plain and with TLS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from servers.certificates import Authority
from servers.process import Served, Server, program
from servers.user import Access, Trust, Who

# One fcgiwrap serves one request at a time, and its own option for more leaves children behind when it is ended.
_AT_ONCE = 4
_PASSWORDS = {"alice": "correct-horse", "bob": "battery-staple"}
_WRONG = "tr0ub4dor"

# One process and no other user, so that a test may run as anybody. Who may push is told to http-backend as a setting
# of git, so that it refuses others itself, with a 403 as hosts do. Repositories whose names begin with `many` list no
# other ref than the one that a push says it is about (CONTRIBUTING.md, "Past this machine").
_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/log/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/log/nginx-access.log;
    client_body_temp_path {folder}/nginx/body;
    fastcgi_temp_path {folder}/nginx/fastcgi;
    proxy_temp_path {folder}/nginx/proxy;
    uwsgi_temp_path {folder}/nginx/uwsgi;
    scgi_temp_path {folder}/nginx/scgi;
    client_max_body_size 0;
    upstream backend {{ least_conn; {backends} }}
    map $remote_user $may_push {{ default false; alice true; }}
    map $uri:$http_superqode_ref $hidden {{
        default refs/none;
        "~^/many[^:]*:refs/superqode/shares/(public/)?[0-9a-z]{{26}}$" refs;
    }}
    map $hidden $shown {{ default refs/none; refs !$http_superqode_ref; }}
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        location / {{
            auth_basic "sessions";
            auth_basic_user_file {folder}/passwords;
            fastcgi_pass backend;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {folder}/repositories;
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param GIT_CONFIG_COUNT 3;
            fastcgi_param GIT_CONFIG_KEY_0 http.receivepack;
            fastcgi_param GIT_CONFIG_VALUE_0 $may_push;
            fastcgi_param GIT_CONFIG_KEY_1 receive.hideRefs;
            fastcgi_param GIT_CONFIG_VALUE_1 $hidden;
            fastcgi_param GIT_CONFIG_KEY_2 receive.hideRefs;
            fastcgi_param GIT_CONFIG_VALUE_2 $shown;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REMOTE_USER $remote_user;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
        }}
    }}
}}
"""
_HELPER = """\
#!/bin/sh
[ "$1" = get ] && printf 'username=%s\\npassword=%s\\n' {who} {password}
exit 0
"""


class WebServer(Server):
    """nginx before `git http-backend`. A hook sees the user's name in `REMOTE_USER`.

    `repository` gives https URLs; `plain` turns one into the same by http. The certificate is for 127.0.0.1 alone, so
    that `localhost` is a name it does not prove.
    """

    title = "nginx with git http-backend"
    needs = MappingProxyType({"nginx": "nginx-light", "fcgiwrap": "fcgiwrap", "git-http-backend": "git"})
    listens = ("https", "http")

    def plain(self, served: Served) -> Served:
        """The same repository by http without TLS."""
        port = self.ports["http"]
        return Served(served.path, f"http://127.0.0.1:{port}/{served.path.stem}", port)

    @property
    def authority(self) -> Path:
        """The certificate of the authority that vouches for the server, as PEM."""
        return self.folder / "authority.pem"

    def access(self, who: Who, trust: Trust = "right") -> Access:
        """A credential helper with the user's password, none for `nobody`, and whom to trust."""
        settings = {}
        if trust != "unknown":
            authority = self.authority if trust == "right" else self.folder / "other.pem"
            settings["http.sslCAInfo"] = str(authority)
        if who != "nobody":
            helper = self.folder / f"credential-{who}"
            name, password = ("alice", _WRONG) if who == "stranger" else (who, _PASSWORDS[who])
            helper.write_text(_HELPER.format(who=name, password=password), "utf-8")
            helper.chmod(0o755)
            settings["credential.helper"] = str(helper)
        return Access(who, settings)

    def password(self, who: Who) -> str:
        """A user's password; the stranger's is a wrong one."""
        return _PASSWORDS.get(who, _WRONG)

    def run_out(self, *, days: int = -1) -> None:
        """Serve with a certificate that ran out, until it is given days again; the server starts anew."""
        self.kill()
        self._own.sign("server", days=days)
        self.start()

    def _prepare(self) -> None:
        (self.folder / "repositories").mkdir()
        (self.folder / "nginx").mkdir()
        self._own = Authority(self.folder, "authority")
        Authority(self.folder, "other")
        self._own.sign("server")
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{who}:{{PLAIN}}{word}\n" for who, word in _PASSWORDS.items()), "utf-8")

    def _commands(self) -> list[list[str]]:
        nginx, wrap, backend = (program(name) for name in self.needs)
        assert nginx is not None
        assert wrap is not None
        sockets = self._backends()
        backends = " ".join(f"server unix:{socket};" for socket in sockets)
        text = _NGINX.format(folder=self.folder, backend=backend, backends=backends, **self.ports)
        config = self.folder / "nginx.conf"
        config.write_text(text, "utf-8")
        for socket in sockets:
            Path(socket).unlink(missing_ok=True)
        return [
            *([wrap, "-f", "-s", f"unix:{socket}"] for socket in sockets),
            [nginx, "-p", str(self.folder), "-e", str(self.folder / "log" / "nginx-error.log"), "-c", str(config)],
        ]

    def _sockets(self) -> list[tuple[str, int] | str]:
        return [*super()._sockets(), *self._backends()]

    def _backends(self) -> list[str]:
        return [str(self.folder / f"fcgi-{number}") for number in range(_AT_ONCE)]

    def _make(self, name: str, settings: Mapping[str, str]) -> Path:
        # Without the ending, because http-backend takes the path as it stands in the URL.
        return super()._make(name, settings).rename(self.folder / "repositories" / name)
