"""`hooks/store/pre-push` with real `git push`: what may leave a store, what may not, under each shell."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parents[2] / "hooks" / "store" / "pre-push"
ID = "abcdefghijklmnopqrstuvwx23"
OTHER_ID = "zyxwvutsrqponmlkjihgfedc76"
SHARES = "refs/superqode/shares"
NO_OBJECT = "0" * 40
SESSION_FILES = {"format": "superqode-session 1\n", "session.json": "{}\n"}
SHARE_FILES = {"share.json": "{}\n", "manifest": "ciphertext\n"}


def _shells() -> dict[str, str]:
    """The shells of this machine by name, each once, as command lines."""
    found = {}
    for command in ("sh", "dash", "bash --posix", "busybox sh"):
        name, *options = command.split()
        program = shutil.which(name)
        if program is not None:
            found.setdefault(os.path.realpath(program), (name, " ".join([program, *options])))
    return dict(found.values())


SHELLS = _shells()


class Repository:
    """A bare repository, built with plumbing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, path: Path) -> "Repository":
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        return cls(path)

    def git(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        ident = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
        command = ["git", *ident, "-C", str(self.path), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=check)

    def tell(self, *arguments: str, stdin: str = "") -> str:
        return self.git(*arguments, stdin=stdin).stdout.strip()

    def commit(self, files: dict[str, str], *parents: str, message: str = "a commit") -> str:
        blobs = {name: self.tell("hash-object", "-w", "--stdin", stdin=text) for name, text in files.items()}
        tree = self.tell("mktree", stdin="".join(f"100644 blob {oid}\t{name}\n" for name, oid in blobs.items()))
        named = [word for parent in parents for word in ("-p", parent)]
        return self.tell("commit-tree", tree, *named, stdin=message)

    def point(self, ref: str, oid: str) -> str:
        self.git("update-ref", ref, oid)
        return oid

    def refs(self) -> list[str]:
        return self.tell("for-each-ref", "--format=%(refname)").split()


@pytest.fixture(autouse=True, scope="module")
def _own_git(tmp_path_factory):
    """Git as on a new machine: no settings of the user, the system or the caller."""
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("HOME", home)
        patch.setenv("XDG_CONFIG_HOME", home)
        yield


@pytest.fixture(params=SHELLS)
def shell(request) -> str:
    """A shell's command line with its full path."""
    return SHELLS[request.param]


@pytest.fixture
def remote(tmp_path) -> Repository:
    """An empty bare repository."""
    return Repository.make(tmp_path / "remote.git")


@pytest.fixture(scope="module")
def _template(tmp_path_factory) -> Repository:
    """A store with two sessions, a snapshot, the store's own refs and two shares."""
    store = Repository.make(tmp_path_factory.mktemp("template") / "store")
    session = store.point("refs/heads/session-1", store.commit(SESSION_FILES))
    store.point("refs/heads/session-2", store.commit(SESSION_FILES, session))
    store.point("refs/heads/superqode", store.commit({"README": "a store\n"}))
    store.git("symbolic-ref", "HEAD", "refs/heads/superqode")
    store.git("tag", "-a", "-m", "Before fix", "session-1/snap-1", session)
    for ref in ("trash/session-0/20261122T100000.123456Z/head", "sources/session-1", "ledger", "oplog"):
        store.point(f"refs/superqode/{ref}", session)
    first = store.commit(SHARE_FILES, message="share\n\nSuperqode-Share: 1\n")
    store.point(f"{SHARES}/{ID}", store.commit(SHARE_FILES, first, message="share\n\nSuperqode-Share: 1\n"))
    manifest = store.commit(SESSION_FILES, session, message="share: T\n\nSuperqode-Share: 1\n")
    store.point(f"{SHARES}/public/{ID}", manifest)
    return store


@pytest.fixture
def store(_template, tmp_path, remote, shell) -> Repository:
    """A store of its own for each test, with the remote as `origin`; its hook runs under `shell`."""
    store = Repository(Path(shutil.copytree(_template.path, tmp_path / "store")))
    store.git("config", "remote.origin.url", str(remote.path))
    hook = store.path / "hooks" / "pre-push"
    hook.write_text(HOOK.read_text().replace("#!/bin/sh\n", f"#!{shell}\n", 1))
    hook.chmod(0o755)
    return store


def _earlier(store: Repository, script: str) -> Path:
    earlier = store.path / "hooks" / "pre-push.before-superqode"
    earlier.write_text("#!/bin/sh\n" + script)
    earlier.chmod(0o755)
    return earlier


def _run(store: Repository, told: bytes, *prefix: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the hook as git runs it, with these bytes on standard input."""
    command = [*prefix, "hooks/pre-push", "origin", "url"]
    settings = os.environ | environment
    return subprocess.run(command, cwd=store.path, input=told, capture_output=True, check=False, env=settings)


@pytest.mark.parametrize(
    "what",
    [
        ["--all"],
        ["--mirror"],
        ["--tags"],
        ["session-1"],
        ["session-1:refs/heads/elsewhere"],
        [f"session-1:{SHARES}/{ID}"],
        [f"session-1:{SHARES}/public/{ID}"],
        ["session-1/snap-1"],
        ["superqode"],
        ["HEAD"],
        ["session-2~1:refs/heads/x"],
        ["session-2^{/a commit}:refs/heads/x"],
        ["refs/superqode/trash/*:refs/superqode/trash/*"],
        ["refs/superqode/sources/session-1"],
        ["refs/superqode/ledger"],
        ["refs/superqode/oplog:refs/heads/x"],
    ],
    ids=" ".join,
)
def test_nothing_but_shares_leaves(store, remote, what):
    """Sessions, snapshots and the store's own refs are refused however they are named; nothing arrives."""
    pushed = store.git("push", "origin", *what, check=False)

    assert pushed.returncode == 1
    assert "superqode: nothing was pushed" in pushed.stderr
    assert remote.refs() == []


def test_a_refusal_says_what_to_do(store):
    """The message names each ref with the reason, the ways to share and back up, and both ways around."""
    told = store.git("push", "origin", "session-1", "session-1/snap-1", "superqode", check=False).stderr

    assert "  refs/heads/session-1 is a session\n" in told
    assert "  refs/tags/session-1/snap-1 is a snapshot of a session\n" in told
    assert "  refs/heads/superqode describes this store\n" in told
    assert "superqode share create ID " in told
    assert "superqode sessions backup " in told
    assert "`git push --no-verify`" in told
    assert "`git config superqode.allowPlaintextPush true`" in told


def test_a_refusal_names_at_most_five_refs(store):
    """A push of many sessions is told in a few lines."""
    for number in range(10, 20):
        store.git("branch", f"session-{number}", "session-1")

    told = store.git("push", "--all", "origin", check=False).stderr

    assert told.count("is a session\n") == 5
    assert "  and more\n" in told


@pytest.mark.parametrize(
    ("share", "named"),
    [
        (f"{SHARES}/{ID}", f"{SHARES}/{ID}"),
        (f"{SHARES}/{ID}", f"refs/heads/superqode-shares/{ID}"),
        (f"{SHARES}/public/{ID}", f"{SHARES}/public/{ID}"),
        (f"{SHARES}/public/{ID}", f"refs/heads/superqode-shares-public/{ID}"),
    ],
)
def test_a_share_leaves_quietly(store, remote, share, named):
    """A share reaches the remote in either namespace without a word from the hook."""
    pushed = store.git("push", "--quiet", "origin", f"{share}:{named}")

    assert pushed.stderr == ""
    assert remote.tell("rev-parse", named) == store.tell("rev-parse", share)


@pytest.mark.parametrize(
    ("share", "named"),
    [
        (f"{SHARES}/{ID}", "refs/heads/main"),
        (f"{SHARES}/{ID}", f"refs/tags/{ID}"),
        (f"{SHARES}/{ID}", f"{SHARES}/{OTHER_ID}"),
        (f"{SHARES}/{ID}", f"{SHARES}/public/{ID}"),
        (f"{SHARES}/{ID}", f"refs/heads/superqode-shares-public/{ID}"),
        (f"{SHARES}/public/{ID}", f"{SHARES}/{ID}"),
        (f"{SHARES}/public/{ID}", f"refs/heads/superqode-shares/{ID}"),
    ],
)
def test_a_share_keeps_its_name(store, remote, share, named):
    """A share under another id, as another kind, or outside the namespaces is refused."""
    pushed = store.git("push", "origin", f"{share}:{named}", check=False)

    assert pushed.returncode == 1
    assert f"  {share} is a share, and would have another name on the remote\n" in pushed.stderr
    assert remote.refs() == []


@pytest.mark.parametrize("name", [ID[:-1], ID + "a", ID.upper(), f"deep/{ID}", f"public/deep/{ID}", ID[:-1] + "é"])
def test_a_share_has_a_well_formed_id(store, remote, name):
    """A ref among the shares whose name is not 26 characters of lower-case base32 is refused."""
    store.git("update-ref", f"{SHARES}/{name}", f"{SHARES}/{ID}")

    pushed = store.git("push", "origin", f"{SHARES}/{name}", check=False)

    assert pushed.returncode == 1
    assert "is not named as a share\n" in pushed.stderr
    assert remote.refs() == []


def test_a_session_before_a_share_keeps_it_here(store, remote):
    """An envelope that has a session's commit in its history, as a first or second parent, is refused."""
    share = store.tell("rev-parse", f"{SHARES}/{ID}")
    for parents in (["session-1"], [share, "session-1"], ["session-1", share]):
        updated = store.commit(SHARE_FILES, *parents)
        store.point(f"{SHARES}/{OTHER_ID}", store.commit(SHARE_FILES, updated))

        pushed = store.git("push", "origin", f"{SHARES}/{OTHER_ID}", check=False)

        assert pushed.returncode == 1
        assert f"  {SHARES}/{OTHER_ID} has more in its history than a share of its kind\n" in pushed.stderr
        assert remote.refs() == []


def test_a_replaced_parent_does_not_hide_a_session(store, remote):
    """A `git replace` that makes a history look clean does not help: the push would send the real one."""
    session = store.tell("rev-parse", "session-1")
    store.point(f"{SHARES}/{OTHER_ID}", store.commit(SHARE_FILES, session))
    store.git("replace", session, store.commit(SHARE_FILES))

    pushed = store.git("push", "origin", f"{SHARES}/{OTHER_ID}", check=False)

    assert pushed.returncode == 1
    assert remote.refs() == []


@pytest.mark.parametrize("kind", ["", "public/"])
@pytest.mark.parametrize("what", ["session", "tag", "tree", "blob", "folder"])
def test_only_a_share_commit_is_a_share(store, remote, kind, what):
    """A session, tag, tree or blob under a share's name is refused; so is a folder called `share.json`."""
    if what == "folder":
        files = store.tell("rev-parse", "session-1^{tree}")
        tree = store.tell("mktree", stdin=f"040000 tree {files}\tshare.json\n")
        fake = store.tell("commit-tree", tree, stdin="a commit")
    else:
        share = f"{SHARES}/{kind}{ID}"
        store.git("tag", "-a", "-m", "Superqode-Share: 1", "tagged", share)
        names = {
            "session": "session-1",
            "tag": "tagged",
            "tree": f"{share}^{{tree}}",
            "blob": f"{SHARES}/{ID}:share.json",
        }
        fake = store.tell("rev-parse", names[what])
    store.git("update-ref", f"{SHARES}/{kind}{OTHER_ID}", fake)

    pushed = store.git("push", "origin", f"{SHARES}/{kind}{OTHER_ID}", check=False)

    assert pushed.returncode == 1
    assert "superqode: nothing was pushed" in pushed.stderr
    assert remote.refs() == []


def test_one_session_among_shares_holds_everything_back(store, remote):
    """A push of shares and a session sends neither."""
    pushed = store.git("push", "origin", f"{SHARES}/{ID}", "session-1", f"{SHARES}/public/{ID}", check=False)

    assert pushed.returncode == 1
    assert "refs/heads/session-1" in pushed.stderr
    assert SHARES not in pushed.stderr
    assert remote.refs() == []


def test_a_share_of_many_updates_is_looked_at_quickly(store, remote, tmp_path, monkeypatch):
    """A share with 2,000 updates passes, in a handful of processes rather than some for each update."""
    share = f"{SHARES}/{OTHER_ID}"
    tree = store.tell("rev-parse", f"{SHARES}/{ID}^{{tree}}")
    saved = f"commit {share}\ncommitter A <a@example.invalid> 0 +0000\ndata 0\nM 040000 {tree} \n\n"
    store.git("fast-import", "--quiet", stdin=saved * 2000)
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))

    store.git("push", "--quiet", "origin", share)

    assert remote.tell("rev-list", "--count", share) == "2000"
    assert 5 < (tmp_path / "trace").read_text().count("built-in: git") < 30


def test_a_history_beyond_the_bound_is_refused(store):
    """The hook looks at no more commits than it may; a share that has one more does not leave."""
    hook = store.path / "hooks" / "pre-push"
    script = hook.read_text()
    assert "most_commits=100000\n" in script
    share = f"{SHARES}/{ID}"
    assert store.tell("rev-list", "--count", share) == "2"
    for bound, code in ((1, 1), (2, 0)):
        hook.write_text(script.replace("most_commits=100000\n", f"most_commits={bound}\n"))
        assert store.git("push", "origin", share, check=False).returncode == code


def test_deletions_pass(store, remote):
    """Taking a session, a share or a tag off the remote sends nothing, and is allowed."""
    refs = ["refs/heads/session-1", "refs/tags/session-1/snap-1", f"{SHARES}/{ID}"]
    store.git("push", "--no-verify", "origin", *refs)
    assert len(remote.refs()) == 3

    store.git("push", "--quiet", "origin", "--delete", *refs)

    assert remote.refs() == []


def test_a_deletion_does_not_cover_for_a_session(store, remote):
    """A session beside a deletion is refused, and the deletion with it."""
    store.git("push", "--no-verify", "origin", "session-2")

    pushed = store.git("push", "origin", ":session-2", "session-1", check=False)

    assert pushed.returncode == 1
    assert remote.refs() == ["refs/heads/session-2"]


def test_no_verify_sends_everything(store, remote):
    """Who really means it gets past the hook in Git's own way."""
    store.git("push", "--no-verify", "--mirror", "origin")

    assert remote.refs() == store.refs()


def test_the_setting_allows_everything(store, remote):
    """`superqode.allowPlaintextPush` lets sessions through, quietly, in any spelling of true."""
    store.git("config", "superqode.allowPlaintextPush", "Yes")

    pushed = store.git("push", "--quiet", "--mirror", "origin")

    assert pushed.stderr == ""
    assert remote.refs() == store.refs()


@pytest.mark.parametrize("value", ["false", "maybe", ""])
def test_any_other_setting_allows_nothing(store, remote, value):
    """Anything Git does not take for true leaves the guard up."""
    store.git("config", "superqode.allowPlaintextPush", value)

    assert store.git("push", "origin", "session-1", check=False).returncode == 1
    assert remote.refs() == []


def test_the_earlier_hook_runs_as_git_would_run_it(store, remote, tmp_path):
    """The hook kept beside ours gets Git's arguments and standard input, byte for byte."""
    _earlier(store, f'printf "%s|" "$#" "$@" >"{tmp_path}/arguments"; cat >"{tmp_path}/told"\n')
    oid = store.tell("rev-parse", f"{SHARES}/{ID}")

    store.git("push", "origin", f"{SHARES}/{ID}")

    assert (tmp_path / "arguments").read_text() == f"2|origin|{remote.path}|"
    assert (tmp_path / "told").read_text() == f"{SHARES}/{ID} {oid} {SHARES}/{ID} {NO_OBJECT}\n"


def test_the_earlier_hook_hears_of_an_empty_push(store, tmp_path):
    """Git runs hooks also when everything is up to date; the earlier one then reads nothing at all."""
    store.git("push", "origin", f"{SHARES}/{ID}")
    _earlier(store, f'cat >"{tmp_path}/told"\n')

    store.git("push", "origin", f"{SHARES}/{ID}")

    assert (tmp_path / "told").read_bytes() == b""


def test_the_earlier_hook_may_refuse(store, remote):
    """Its exit code and its words are passed on."""
    _earlier(store, "echo 'not on a Friday' >&2; exit 7\n")
    line = f"{SHARES}/{ID} {store.tell('rev-parse', f'{SHARES}/{ID}')} {SHARES}/{ID} {NO_OBJECT}\n"

    assert store.git("push", "origin", f"{SHARES}/{ID}", check=False).returncode == 1
    assert remote.refs() == []
    told = _run(store, line.encode())
    assert (told.returncode, told.stderr) == (7, b"not on a Friday\n")


def test_the_earlier_hook_is_not_asked_about_what_is_refused(store, tmp_path):
    """Our refusal stands; the earlier hook does not run, and cannot overrule it."""
    _earlier(store, f'touch "{tmp_path}/ran"; exit 0\n')

    assert store.git("push", "origin", "session-1", check=False).returncode == 1
    assert not (tmp_path / "ran").exists()


def test_an_earlier_hook_that_was_switched_off_stays_off(store, remote):
    """Git skips a hook that is not executable, and so do we."""
    _earlier(store, "exit 7\n").chmod(0o644)

    store.git("push", "origin", f"{SHARES}/{ID}")

    assert remote.refs() == [f"{SHARES}/{ID}"]


def test_the_guard_stands_wherever_the_push_starts(store, remote, tmp_path):
    """The hook and the earlier one are found from a worktree, and from any folder by `--git-dir`."""
    _earlier(store, f'echo ran >>"{tmp_path}/ran"\n')
    store.git("worktree", "add", "-q", str(tmp_path / "tree"), "session-1")
    for start in (["-C", "tree"], ["--git-dir", "store"], ["--git-dir", str(store.path)]):
        push = ["git", *start, "push", "--quiet", "origin"]
        for what in ("session-2", f"{SHARES}/{ID}:refs/heads/main"):
            pushed = subprocess.run([*push, what], cwd=tmp_path, capture_output=True, check=False)
            assert pushed.returncode == 1
            assert b"superqode: nothing was pushed" in pushed.stderr
        subprocess.run([*push, f"{SHARES}/{ID}"], cwd=tmp_path, check=True)

    assert remote.refs() == [f"{SHARES}/{ID}"]
    assert (tmp_path / "ran").read_text() == "ran\n" * 3


def test_all_of_a_long_standard_input_is_read(store):
    """Git can tell 20,000 refs without a broken pipe, and the last of them counts."""
    line = f"(delete) {NO_OBJECT} refs/heads/x {NO_OBJECT}\n".encode()
    assert _run(store, line * 20_000).returncode == 0
    last = f"refs/heads/session-1 {store.tell('rev-parse', 'session-1')} refs/heads/session-1 {NO_OBJECT}\n"

    with subprocess.Popen(
        ["hooks/pre-push", "origin", "url"], cwd=store.path, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hook:
        hook.stdin.write(line * 20_000 + last.encode())
        hook.stdin.close()
        told = hook.stderr.read()

    assert hook.returncode == 1
    assert b"  refs/heads/session-1 is a session\n" in told


@pytest.mark.parametrize(
    "line",
    [
        "refs/heads/session-1",
        "refs/heads/x NONE refs/heads/x",
        "refs/heads/x  refs/heads/x NONE",
        "a b NONE refs/heads/x NONE",
        "(delete) NONE refs/heads/x NONE more",
        "--help OID refs/heads/x NONE",
        "-n OID SHARE NONE",
        "SHARE --all SHARE NONE",
        "SHARE HEAD SHARE NONE",
        "SHARE SHARE SHARE NONE",
        "SHARE ffffffffffffffffffffffffffffffffffffffff SHARE NONE",
        "refs/superqode/shares/$(touch owned) OID refs/heads/x NONE",
        "refs/heads/`touch owned` OID refs/heads/x NONE",
        "refs/heads/x';touch${IFS}owned;' OID refs/heads/x NONE",
        "* OID * NONE",
        "refs/superqode/shares/* OID refs/superqode/shares/* NONE",
        "refs/heads/\x1b[2J\x07\x9b OID refs/heads/x NONE",
        "\nrefs/heads/session-1 OID refs/heads/session-1 NONE",
        "LINES\nrefs/heads/session-1 OID refs/heads/session-1 NONE",
        "(delete) NONE refs/heads/x NONE\n\nrefs/heads/session-1 OID refs/heads/session-1 NONE",
    ],
)
def test_odd_lines_are_refused_and_do_nothing(store, line):
    """Nonsense, options, shell syntax and terminal controls are refused, run nothing and print clean."""
    share = f"{SHARES}/{ID}"
    line = line.replace("SHARE", share).replace("OID", store.tell("rev-parse", share)).replace("NONE", NO_OBJECT)
    before = sorted(store.path.rglob("*"))

    for end in ("\n", ""):
        told = _run(store, (line + end).encode())

        assert told.returncode == 1
        assert b"superqode: nothing was pushed" in told.stderr
        assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in told.stderr)
    assert sorted(store.path.rglob("*")) == before


@pytest.mark.parametrize("missing", ["git", "grep", "sed"])
def test_a_missing_tool_refuses(store, shell, tmp_path, missing):
    """Where the hook cannot find out, it refuses, a true share too."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in {"git", "cat", "tr", "grep", "sed"} - {missing}:
        (tools / name).symlink_to(shutil.which(name))
    line = f"{SHARES}/{ID} {store.tell('rev-parse', f'{SHARES}/{ID}')} {SHARES}/{ID} {NO_OBJECT}\n".encode()
    if "busybox" in shell and missing != "git":
        pytest.skip("busybox is grep and sed itself")

    assert _run(store, line, PATH=str(tools)).returncode == 1
    (tools / missing).symlink_to(shutil.which(missing))
    assert _run(store, line, PATH=str(tools)).returncode == 0


def test_a_shell_that_cannot_hand_over_the_lines_refuses(store):
    """Some shells put a long here-document into a file; where they cannot, nothing passes unseen."""
    limits = ("sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "limited")
    line = f"refs/heads/session-1 {store.tell('rev-parse', 'session-1')} refs/heads/session-1 {NO_OBJECT}\n"

    told = _run(store, line.encode() * 5000, *limits)

    assert told.returncode != 0


def test_a_damaged_share_is_refused(store, remote):
    """A share whose history cannot be read to its end does not leave."""
    oldest = store.tell("rev-list", "--max-parents=0", f"{SHARES}/{ID}")
    (store.path / "objects" / oldest[:2] / oldest[2:]).unlink()
    line = f"{SHARES}/{ID} {store.tell('rev-parse', f'{SHARES}/{ID}')} {SHARES}/{ID} {NO_OBJECT}\n"

    assert _run(store, line.encode()).returncode == 1
    assert remote.refs() == []
