"""What git, OpenSSH, curl and well-known servers say when something fails, and which of our errors it becomes.

Where no other source is named the texts are what git 2.39, OpenSSH 9.2 and libcurl 7.88 print.
"""

import pytest

from superqode.session.errors import (
    GitFailed,
    HostKeyRejected,
    InvalidRemote,
    NamespaceRefused,
    NoRepository,
    PartlyRejected,
    RemoteRefMoved,
    RemoteRefNotFound,
    RemoteRejected,
    RemoteUnauthorized,
    RemoteUnreachable,
    UnsoundObjects,
)
from superqode.session.git import push_results, remote_failures
from superqode.session.git.network import Ended

NO_READ = "fatal: Could not read from remote repository.\nPlease make sure you have the correct access rights\nand the repository exists."
BAD_PACK = "fatal: fetch-pack: invalid index-pack output"
SHARE = "refs/superqode/shares/x"


def _ended(text, waited=0.0):
    return Ended(128, tuple(line for line in text.split("\n") if line), waited, {})


def _error(text, waited=0.0):
    ended = _ended(text, waited)
    failure = remote_failures.explain(ended, lambda text: text)
    return remote_failures.as_error(failure, "https://example.org/x", "fetch", ended)


CHANGED = """@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Offending ED25519 key in /home/me/.ssh/known_hosts:1
Host key for [127.0.0.1]:22 has changed and you have requested strict checking.
Host key verification failed.
"""
WEB = "fatal: unable to access 'https://example.org/x/': "

TABLE = [
    # -- who the server is
    (f"Host key verification failed.\n{NO_READ}", HostKeyRejected, "its SSH host key is not known yet"),
    (f"{CHANGED}{NO_READ}", HostKeyRejected, "not the one that was known"),
    (
        "No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed.\n"
        + NO_READ,
        HostKeyRejected,
        "not known yet",
    ),
    (
        WEB + "server certificate verification failed. CAfile: none CRLfile: none",
        HostKeyRejected,
        "server certificate verification failed",
    ),
    (WEB + "SSL certificate problem: self-signed certificate", HostKeyRejected, "self-signed certificate"),
    (
        WEB + "SSL: no alternative certificate subject name matches target host name 'x'",
        HostKeyRejected,
        "no alternative certificate subject name",
    ),
    (WEB + "error setting certificate file: /nowhere", HostKeyRejected, "error setting certificate file"),
    # -- who we are
    (f"me@127.0.0.1: Permission denied (publickey).\n{NO_READ}", RemoteUnauthorized, "Permission denied (publickey)"),
    (
        f"Received disconnect from ::1 port 22:2: Too many authentication failures\n{NO_READ}",
        RemoteUnauthorized,
        "Too many authentication failures",
    ),
    (
        "fatal: could not read Username for 'https://example.org': terminal prompts disabled",
        RemoteUnauthorized,
        "it asks for a Username, and no credential helper has one",
    ),
    (
        "remote: Invalid username or token.\nfatal: Authentication failed for 'https://example.org/x/'",
        RemoteUnauthorized,
        "it did not accept the user or password (Invalid username or token.)",
    ),
    (WEB + "The requested URL returned error: 403", RemoteUnauthorized, "HTTP 403"),
    (WEB + "CONNECT tunnel failed, response 407", RemoteUnauthorized, "HTTP 407"),
    ("fatal: remote error: service not enabled: /x", RemoteUnauthorized, "service not enabled"),
    (
        f"FATAL: W any x bob DENIED by fallthru\n(or you mis-spelled the reponame)\n{NO_READ}",  # gitolite 3
        RemoteUnauthorized,
        "W any x bob DENIED by fallthru",
    ),
    (f"ERROR: Permission to a/b.git denied to bob.\n{NO_READ}", RemoteUnauthorized, "Permission to a/b.git denied"),
    (
        f"ERROR: The key you are authenticating with has been marked as read only.\n{NO_READ}",  # GitHub
        RemoteUnauthorized,
        "marked as read only",
    ),
    (
        "remote: \nremote: ====\nremote: ERROR: You are not allowed to push code to this project.\n"
        + NO_READ,  # GitLab
        RemoteUnauthorized,
        "not allowed to push",
    ),
    (
        f"fatal: detected dubious ownership in repository at '/x'\n{NO_READ}",
        RemoteUnauthorized,
        "belongs to somebody else",
    ),
    # -- no repository
    (f"fatal: '/x' does not appear to be a git repository\n{NO_READ}", NoRepository, "'/x' does not appear to be"),
    ("remote: Not here\nfatal: repository 'https://example.org/x/' not found", NoRepository, "not found (Not here)"),
    (
        "fatal: https://example.org/x/info/refs not valid: is this a git repository?",
        NoRepository,
        "is this a git repository",
    ),
    ("fatal: remote error: no such repository: /x", NoRepository, "no such repository"),
    ("fatal: remote error: repository not exported: /x", NoRepository, "repository not exported"),
    ("fatal: remote error: access denied or repository not exported: /x", NoRepository, "access denied or"),
    (f"ERROR: Repository not found.\n{NO_READ}", NoRepository, "Repository not found"),  # GitHub
    (f"bash: line 1: git-upload-pack: command not found\n{NO_READ}", NoRepository, "command not found"),
    # -- no connection
    (
        f"ssh: Could not resolve hostname x.invalid: Name or service not known\n{NO_READ}",
        RemoteUnreachable,
        "no host x",
    ),
    (WEB + "Could not resolve host: x.invalid", RemoteUnreachable, "there is no host x.invalid"),
    (
        "fatal: unable to look up x.invalid (port 9418) (Name or service not known)",
        RemoteUnreachable,
        "there is no host x.invalid",
    ),
    (f"ssh: connect to host x port 22: Connection refused\n{NO_READ}", RemoteUnreachable, "the connection was refused"),
    (
        WEB + "Failed to connect to x port 1 after 0 ms: Couldn't connect to server",
        RemoteUnreachable,
        "the connection was refused",
    ),
    ("fatal: unable to connect to x:\nx[0: ::1]: errno=Connection refused", RemoteUnreachable, "was refused"),
    (f"ssh: connect to host x port 22: No route to host\n{NO_READ}", RemoteUnreachable, "No route to host"),
    (f"ssh: connect to host x port 22: Connection timed out\n{NO_READ}", RemoteUnreachable, "it does not answer"),
    (
        f"kex_exchange_identification: Connection closed by remote host\n{NO_READ}",
        RemoteUnreachable,
        "closed by remote",
    ),
    (NO_READ, RemoteUnreachable, "the server gave no reason"),
    (WEB + "gnutls_handshake() failed: An unexpected TLS packet was received.", RemoteUnreachable, "gnutls_handshake"),
    # -- broken
    (WEB + "The requested URL returned error: 503", RemoteUnreachable, "HTTP 503"),
    ("fatal: the remote end hung up unexpectedly", RemoteUnreachable, "the remote end hung up unexpectedly"),
    ("fatal: expected flush after ref listing", RemoteUnreachable, "expected flush after ref listing"),
    (
        "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output",
        RemoteUnreachable,
        "early EOF",
    ),
    (WEB + "Operation too slow. Less than 1 bytes/sec", RemoteUnreachable, "it stopped answering"),
    ("fatal: remote error: closed for repairs until noon", RemoteUnreachable, "closed for repairs until noon"),
    # -- what was asked for
    ("fatal: couldn't find remote ref refs/x", RemoteRefNotFound, "has no refs/x"),
    ("fatal: transport 'ext' not allowed", InvalidRemote, "ext is not allowed here"),
    (
        f"error: object {'1' * 40}: hasDotgit: contains '.git'\nfatal: fsck error in packed object\n{BAD_PACK}",
        UnsoundObjects,
        "hasDotgit: contains '.git'",
    ),
    # -- our side
    ("fatal: write error: No space left on device\nfatal: early EOF", GitFailed, "No space left on device"),
    (
        f"fatal: cannot run /nowhere/ssh: No such file or directory\nfatal: unable to fork\n{NO_READ}",
        GitFailed,
        "cannot",
    ),
    ("git: 'remote-https' is not a git command. See 'git --help'.", GitFailed, "this git was built without https"),
    ("fatal: something new", GitFailed, "something new"),
    ("", GitFailed, "ended with 128 and no word"),
]


@pytest.mark.parametrize(("text", "kind", "told"), TABLE, ids=range(len(TABLE)))
def test_words_become_errors(text, kind, told):
    """Each text becomes exactly that error, in one line that has the words that count."""
    error = _error(text)

    assert type(error) is kind
    assert told in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 600


def test_silence_is_an_error_of_its_own():
    """A run that was killed for its silence says how long it lasted, whatever was said before."""
    error = _error("me@x: Permission denied (publickey).", waited=60)
    assert type(error) is RemoteUnreachable
    assert "it did not answer for 60 seconds" in str(error)


def test_a_server_cannot_talk_of_our_side():
    """What a server's words sound like makes neither a full disk of ours nor a wrong host key out of its refusal."""
    for words in ("remote: No space left on device", "remote: Host key verification failed."):
        assert type(_error(f"{words}\nfatal: the remote end hung up unexpectedly")) is RemoteUnreachable


def test_server_words_are_bounded():
    """Frames, empty lines and progress go; ten lines and 600 characters stay at most."""
    lines = ["remote: ====", "remote:", "fatal: no", *(f"remote: line {number} {'x' * 100}" for number in range(50))]
    words = remote_failures.server_words(lines)
    assert words.startswith("line 0 xxx")
    assert "line 6" not in words
    assert len(words) <= 600


# -- the report of a push ---------------------------------------------------------------------------------------------


def _report(*lines):
    return ("To /x\n" + "\n".join(lines) + "\nDone\n").encode()


def test_a_report_is_read():
    """Every flag of git-push(1) is known; other lines are no results."""
    report = _report(
        f"*\t{'1' * 40}:refs/a\t[new reference]",
        f" \t{'1' * 40}:refs/b\t1..2",
        f"+\t{'1' * 40}:refs/c\t1...2 (forced update)",
        "-\t:refs/d\t[deleted]",
        f"=\t{'1' * 40}:refs/e\t[up to date]",
        f"!\t{'1' * 40}:refs/f\t[remote rejected] (hook (mine) declined)",
        "!\t(delete):refs/g\t[rejected] (stale info)",
        "garbage",
        "*\tx",
    )
    results = push_results.read_results(report)
    assert [(result.ref, result.accepted) for result in results] == [
        *((f"refs/{letter}", True) for letter in "abcde"),
        ("refs/f", False),
        ("refs/g", False),
    ]
    assert results[5].reason == "hook (mine) declined"
    assert push_results.read_results(b"") == []


REFUSALS = [
    ("hook declined", ["remote: no"], RemoteRejected, "hook declined: no"),
    ("stale info", [], RemoteRefMoved, "not where it was expected"),
    ("failed to update ref", ["remote: error: cannot lock ref 'x': is at 1 but expected 2"], RemoteRefMoved, "cannot"),
    ("reference already exists", [], RemoteRefMoved, "already exists"),
    ("non-fast-forward", [], RemoteRejected, "non-fast-forward"),
    (
        "failed to update ref",
        ["remote: error: cannot lock ref: 'refs/heads/a' exists; cannot create 'refs/heads/a/b'"],
        RemoteRejected,
        "exists; cannot create",
    ),
    (
        "failed to update ref",
        ["remote: error: cannot lock ref 'x': Unable to create '/x.lock': Permission denied"],
        RemoteUnauthorized,
        "Permission denied",
    ),
    (
        "unpacker error",
        ["error: remote unpack failed: unable to create temporary object directory"],
        RemoteUnauthorized,
        "unable to create temporary object directory",
    ),
    ("deny updating a hidden ref", [], NamespaceRefused, "hidden ref"),
    ("funny refname", [], NamespaceRefused, "funny refname"),
    (
        "hook declined",
        ["remote: FATAL: W refs/superqode/shares/x repo alice DENIED by fallthru"],  # gitolite 3
        NamespaceRefused,
        "DENIED by fallthru",
    ),
    (
        "pre-receive hook declined",
        ["remote: PermissionDenied: branch:refs/superqode/shares/x is illegal"],  # Codeup: git-mirror-action, pull 28
        NamespaceRefused,
        "is illegal",
    ),
    ("prohibited by Gerrit: not permitted: create", [], NamespaceRefused, "prohibited by Gerrit"),
    ("", [], RemoteRejected, "gave no reason"),
]


@pytest.mark.parametrize(("reason", "lines", "kind", "told"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_become_errors(reason, lines, kind, told):
    """A rejected ref becomes exactly that error, with the server's words."""
    results = [push_results.RefResult(SHARE, accepted=False, reason=reason)]
    error = push_results.refusal(results, lines, "https://example.org/x", lambda text: text)
    assert type(error) is kind
    assert told in str(error)


def test_the_guilty_ref_is_named():
    """Of refs that all failed together the one with a reason of its own is told; a branch has no other namespace."""
    results = [
        push_results.RefResult("refs/heads/a", accepted=False, reason="atomic push failed"),
        push_results.RefResult("refs/heads/b", accepted=False, reason="deny updating a hidden ref"),
    ]
    error = push_results.refusal(results, [], "https://example.org/x", lambda text: text)
    assert (type(error), error.ref) == (RemoteRejected, "refs/heads/b")


def test_half_a_push_is_told_as_half():
    """Git takes other refs beside a hidden one even with --atomic: the error says which, and not that nothing changed."""
    results = [
        push_results.RefResult("refs/heads/a", accepted=True, reason=""),
        push_results.RefResult(SHARE, accepted=False, reason="deny updating a hidden ref"),
    ]
    error = push_results.refusal(results, [], "https://example.org/x", lambda text: text)
    assert type(error) is PartlyRejected
    assert error.accepted == ("refs/heads/a",)
    assert "Nothing was changed" not in str(error)
