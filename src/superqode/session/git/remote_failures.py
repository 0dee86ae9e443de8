"""What git's words about a failed fetch or push mean: each kind of failure as one of our errors, in one clear line.

The words are those of git, OpenSSH, libcurl and servers in the C locale. Rules are tried in order; what no rule knows
and no remote said is git's own failure (`GitFailed`).
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from superqode.session.errors import (
    GitFailed,
    HostKeyRejected,
    InvalidRemote,
    NoRepository,
    RemoteError,
    RemoteRefNotFound,
    RemoteUnauthorized,
    RemoteUnreachable,
    UnsoundObjects,
)
from superqode.session.git.network import Ended

__all__ = [
    "Failure",
    "Kind",
    "as_error",
    "explain",
    "server_words",
]

_WORDS_MAX: Final = 600
_WORD_LINES: Final = 10
_REASON_MAX: Final = 300

_ERRORS: Final[Mapping[str, Callable[[str, str], RemoteError]]] = {
    "identity": HostKeyRejected,
    "denied": RemoteUnauthorized,
    "unsound": UnsoundObjects,
    "absent": NoRepository,
    "unclear": NoRepository,
    "no ref": RemoteRefNotFound,
    "protocol": InvalidRemote,
}
Kind = Literal[
    "absent", "broken", "denied", "down", "identity", "local", "no atomic", "no ref", "protocol", "unclear", "unsound"
]


class Failure(NamedTuple):
    """Why git failed.

    Attributes:
        kind: `down`: no connection came about; `broken`: it ended too early; `unclear`: git daemon's word for both an
            absent repository and one that may not be written; the others say what they are.
        reason: the same in one line, without credentials.
    """

    kind: Kind
    reason: str


class _Rule(NamedTuple):
    kind: Kind
    pattern: re.Pattern[str]
    say: str


def _rule(kind: Kind, pattern: str, say: str) -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), say)


# `{0}` is what the pattern found; "" leaves git's line as it is.
_RULES: Final = (
    # Ours to mend.
    _rule("no atomic", r"does not support --atomic push", ""),
    _rule("protocol", r"transport '(.*?)' not allowed", "{0} is not allowed here"),
    _rule("no ref", r"couldn't find remote ref (\S+)", "{0}"),
    _rule("no ref", r"not our ref (\S+)|unadvertised object (\S+)", "{0}"),
    _rule("local", r"No space left on device|Disk quota exceeded|unable to write file|Read-only file system", ""),
    _rule("local", r"cannot run .*: |unable to fork", ""),
    _rule("local", r"'remote-(https?)' is not a git command", "this git was built without {0}"),
    _rule("local", r"bad object [0-9a-f]{40}|unable to read [0-9a-f]{40}|loose object .* is corrupt", ""),
    # Who the server is. After these ssh and git say more, of less worth.
    _rule("identity", r"REMOTE HOST IDENTIFICATION HAS CHANGED", "its SSH host key is not the one that was known"),
    _rule("identity", r"REVOKED HOST KEY", "its SSH host key is marked as revoked"),
    _rule(
        "identity", r"No (\S+) host key is known for|Host key verification failed", "its SSH host key is not known yet"
    ),
    _rule(
        "identity",
        r"((?:SSL )?certificate problem: .*|server certificate verification failed.*|.*certificate subject name.*"
        r"|SSL peer certificate.*|.*SEC_E_(?:UNTRUSTED_ROOT|WRONG_PRINCIPAL|CERT_EXPIRED).*"
        r"|CRYPT_E_NO_REVOCATION_CHECK.*|error setting certificate.*|problem with the SSL CA cert.*)",
        "{0}",
    ),
    # Who we are.
    _rule("denied", r"(\S* ?Permission denied \([a-z,-]+\))|(Too many authentication failures)", "{0}"),
    _rule("denied", r"FATAL: ([RW+CDM]+ \S+ \S+ .*DENIED by .*)", "{0}"),
    _rule("denied", r"could not read (Username|Password) for", "it asks for a {0}, and no credential helper has one"),
    _rule("denied", r"unable to get password from user", "it asks for a password, and no credential helper has one"),
    _rule("denied", r"Authentication failed for", "it did not accept the user or password"),
    _rule("denied", r"returned error: (401|403|407)|CONNECT tunnel failed, response (407)", "HTTP {0}"),
    _rule("denied", r"(service not enabled): ", "{0}"),
    _rule("unclear", r"access denied or repository not exported", ""),
    _rule("denied", r"detected dubious ownership", "its repository belongs to somebody else (git's safe.directory)"),
    _rule("denied", r"((?:tlsv1|sslv3) alert.*certificate.*|tlsv13 alert certificate required.*)", "{0}"),
    _rule(
        "denied",
        r"(Permission to \S+ denied.*|.*marked as read[ -]only.*|Write access to repository not granted.*"
        r"|.*not allowed to (?:push|upload|download|access).*|.*permission denied for (?:writing|reading).*"
        r"|.*need the Git .* permission.*|Unauthorized.*|.*account is currently not available.*)",
        "{0}",
    ),
    # There is a server, and no repository.
    _rule("absent", r"does not appear to be a git repository|not a git repository|not valid: is this a git", ""),
    _rule("absent", r"repository '.*' not found|Repository not found|returned error: (?:404|410)", ""),
    _rule("absent", r"no such repository|repository not exported|invalid gitfile format|no path specified", ""),
    _rule("absent", r"project you were looking for could not be found|repository .* does not exist", ""),
    _rule("absent", r"(?:command not found|unrecognized command|Interactive git shell is not enabled)", ""),
    # There is no server.
    _rule("down", r"Could not resolve (?:host|hostname|proxy):? (\S+?):?(?:\s|$)", "there is no host {0}"),
    _rule("down", r"unable to look up (\S+)", "there is no host {0}"),
    _rule("down", r"Connection refused|Couldn't connect to server|Failed to connect to", "the connection was refused"),
    _rule("down", r"(No route to host|Network is unreachable)", "{0}"),
    _rule("down", r"connect to .* timed out|Connection timed out during banner exchange", "it does not answer"),
    _rule("down", r"(Unable to negotiate with .*|CONNECT tunnel failed.*|gnutls_handshake.*|SSL_connect.*)", "{0}"),
    # Unsound after broken: a pack that is cut off is damaged, too.
    _rule("broken", r"Operation too slow|timed? ?out", "it stopped answering"),
    _rule("broken", r"early EOF|hung up unexpectedly|unexpected disconnect|Connection (?:reset|closed)", ""),
    _rule("broken", r"Broken pipe|RPC failed|Empty reply|transfer closed|remote failed to report status", ""),
    _rule("broken", r"returned error: (429|5\d\d)", "HTTP {0}"),
    _rule(
        "unsound",
        r"(object [0-9a-f]{40}: .*|fsck error in pack.*|pack (?:is corrupted|has bad|signature).*|invalid index-pack.*"
        r"|.*did not send all necessary.*|did not receive expected.*|bad pack.*|inflate.*|.*unresolved deltas.*)",
        "{0}",
    ),
    _rule("broken", r"remote error: (.*)", "{0}"),
    _rule("broken", r"protocol error|bad line length|invalid server response|bad band", ""),
    _rule("broken", r"expected (?:.* packet|flush after)", ""),
    _rule("down", r"Could not read from remote repository", "the server gave no reason"),
    _rule("down", r"unable to (?:access|connect to) ", ""),
)
# The exit code of a git that wrote to a connection that was gone.
_CUT_OFF: Final = -int(getattr(signal, "SIGPIPE", 13))
_OWN_KINDS: Final = ("local", "identity", "down")
_PREFIX: Final = re.compile(r"(?:(?:fatal|error|remote|ssh): |ERROR: )+")
_DECORATION: Final = re.compile(r"[=*@#_ -]{3,}")
_EMPTY_WORDS: Final = re.compile(
    r"(?:fatal: )?(?:Could not read from remote repository\.?|the remote end hung up unexpectedly|error: hook declined"
    r" to update .*|error: failed to push some refs.*|Please make sure you have the correct access rights"
    r"|and the repository exists\.)"
)


def explain(ended: Ended, hide: Callable[[str], str]) -> Failure:
    """Say why a run of git failed.

    Args:
        ended: the run.
        hide: takes credentials out of a text.
    """
    if ended.waited:
        return Failure("broken", f"it did not answer for {ended.waited:g} seconds")
    if not ended.lines and ended.code == _CUT_OFF:
        return Failure("broken", "it broke the connection off")
    own = [line for line in ended.lines if not line.startswith("remote:")]
    for rule in _RULES:
        # Whatever a server says, it cannot make a fault of ours, or of the way there, out of it.
        for line in own if rule.kind in _OWN_KINDS else ended.lines:
            found = rule.pattern.search(line)
            if found is not None:
                return Failure(rule.kind, hide(_say(rule, found, line, ended))[:_REASON_MAX])
    return Failure("local", hide(_last_line(ended))[:_REASON_MAX])


def _say(rule: _Rule, found: re.Match[str], line: str, ended: Ended) -> str:
    part = next((group for group in found.groups() if group), "").rstrip(" .")
    said = rule.say.format(part) if rule.say else _PREFIX.sub("", line, count=1).strip().rstrip(".")
    # A web server's page of an error often says why.
    words = server_words(ended.lines) if rule.kind in ("denied", "absent", "broken") else ""
    return f"{said} ({words})" if words and words not in said and said not in words else said


def _last_line(ended: Ended) -> str:
    return ended.lines[-1] if ended.lines else f"git ended with {ended.code} and no word"


def as_error(failure: Failure, remote: str, command: str, ended: Ended) -> RemoteError | GitFailed:
    """The error for a failure.

    Args:
        failure: from `explain`.
        remote: the remote's URL, without credentials.
        command: git's command.
        ended: the run.
    """
    kind, reason = failure
    if kind in ("local", "no atomic"):
        return GitFailed(command, ended.code, reason)
    return _ERRORS.get(kind, RemoteUnreachable)(remote, reason)


def server_words(lines: Sequence[str]) -> str:
    """What the server itself said, in one bounded line."""
    said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    kept = [line for line in said if line and not _DECORATION.fullmatch(line) and not _EMPTY_WORDS.fullmatch(line)]
    return " ".join(kept[:_WORD_LINES])[:_WORDS_MAX]
