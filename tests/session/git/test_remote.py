"""Push, list and fetch with remotes on this machine: what arrives, what is refused and in whose words, what is bounded."""

import os
import subprocess

import pytest

from servers import bare_repository, install_hook
from servers.repositories import refs_of, server_git
from superqode.session import clock
from superqode.session.errors import (
    FetchTooLarge,
    GitFailed,
    InvalidRemote,
    NamespaceRefused,
    NoRepository,
    NotFound,
    PartlyRejected,
    RemoteError,
    RemoteRefMoved,
    RemoteRefNotFound,
    RemoteRejected,
    RemoteUnreachable,
    UnsoundObjects,
)
from superqode.session.git import remote
from superqode.session.git.remote import Update, fetch, ls_remote, push, push_each

SHARE = "refs/superqode/shares/0123456789abcdefghjkmnpqrs"
OTHER = "refs/superqode/shares/1123456789abcdefghjkmnpqrs"
NOWHERE = "1" * 40


@pytest.fixture
def here(tmp_path):
    """Our side: a bare repository."""
    return bare_repository(tmp_path / "here", {"user.name": "A", "user.email": "a@example.invalid"})


@pytest.fixture
def there(tmp_path):
    """The other side: a bare repository."""
    return bare_repository(tmp_path / "there")


@pytest.fixture
def commit(here):
    """Makes commits with a file of so many random bytes, each on top of the one before."""
    made = []

    def make(size=10):
        done = subprocess.run(
            ["git", "-C", str(here), "hash-object", "-w", "--stdin"],
            input=os.urandom(size),
            capture_output=True,
            check=True,
        )
        blob = done.stdout.decode().strip()
        tree = (
            subprocess.run(
                ["git", "-C", str(here), "mktree"],
                input=f"100644 blob {blob}\tfile\n".encode(),
                capture_output=True,
                check=True,
            )
            .stdout.decode()
            .strip()
        )
        made.append(server_git(here, "commit-tree", "-m", "x", *(["-p", made[-1]] if made else []), tree))
        return made[-1]

    return make


@pytest.fixture(params=["path", "file"])
def url(request, there):
    """The other side as a path and as a URL."""
    return str(there) if request.param == "path" else f"file://{there}"


# -- push --------------------------------------------------------------------------------------------------------------


def test_refs_are_made_changed_and_deleted(here, there, url, commit):
    """What was pushed is there, under the remote's name; an update and a deletion follow; nothing else goes along."""
    first, second = commit(), commit()
    server_git(here, "update-ref", "refs/heads/mine", first)
    server_git(here, "tag", "extra", first)

    push(here, url, [Update("refs/heads/mine", SHARE, None)])
    assert refs_of(there) == {SHARE: first}
    push(here, url, [Update(second, SHARE, first), Update(first, OTHER, None)])
    assert refs_of(there) == {SHARE: second, OTHER: first}
    push(here, url, [Update("", SHARE, second)])
    assert refs_of(there) == {OTHER: first}


def test_pushing_again_is_done_already(here, there, url, commit):
    """What is there already counts as done, so that a retry is safe."""
    oid = commit()
    for _ in range(2):
        push(here, url, [Update(oid, SHARE, None)])
    assert refs_of(there) == {SHARE: oid}


def test_history_may_be_replaced_where_it_was_expected(here, there, url, commit):
    """An update that is no fast-forward goes through on the strength of what it expects."""
    old, new = commit(), commit()
    push(here, url, [Update(new, SHARE, None)])
    push(here, url, [Update(old, SHARE, new)])
    assert refs_of(there) == {SHARE: old}


@pytest.mark.parametrize("what", ["moved", "made", "gone", "delete"])
def test_a_ref_that_moved_is_left_alone(here, there, url, commit, what):
    """A ref that is not where it was expected is RemoteRefMoved, and with it nothing of the push is done."""
    first, second = commit(), commit()
    if what != "gone":
        server_git(there, "fetch", "-q", str(here), first)
        server_git(there, "update-ref", SHARE, first)
    before = refs_of(there)
    update = {
        "moved": Update(second, SHARE, NOWHERE),
        "made": Update(second, SHARE, None),
        "gone": Update(second, SHARE, first),
        "delete": Update("", SHARE, NOWHERE),
    }[what]

    with pytest.raises(RemoteRefMoved, match=f"did not accept {SHARE}: it is not where it was expected") as caught:
        push(here, url, [Update(first, OTHER, None), update])
    assert refs_of(there) == before
    assert (caught.value.ref, caught.value.outcome) == (SHARE, "not sent")


def test_a_server_that_takes_nothing_but_fast_forwards_says_so(here, there, commit):
    """Its `non-fast-forward` is a refusal: the ref is where it was expected, and looking again would change nothing."""
    old, new = commit(), commit()
    server_git(there, "config", "receive.denyNonFastForwards", "true")
    push(here, str(there), [Update(new, "refs/heads/x", None)])
    with pytest.raises(RemoteRejected, match="non-fast-forward") as caught:
        push(here, str(there), [Update(old, "refs/heads/x", new)])
    assert type(caught.value) is RemoteRejected
    assert refs_of(there) == {"refs/heads/x": new}


def _lock(there):
    path = there / f"{SHARE}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_lock_that_a_server_left_is_told(here, there, commit, monkeypatch):
    """A ref that nobody moved and nobody can move is refused in the server's words; its lock was waited for."""
    monkeypatch.setattr(remote, "_ASK_AGAIN_AFTER", 0.01)
    _lock(there)
    with pytest.raises(RemoteRejected, match=r"\.lock': File exists") as caught:
        push(here, str(there), [Update(commit(), SHARE, None)])
    assert type(caught.value) is RemoteRejected


def test_a_lock_that_goes_is_waited_for(here, there, commit, monkeypatch):
    """Who only held the ref's lock for a moment is no reason to fail."""
    lock, oid = _lock(there), commit()
    monkeypatch.setattr(clock, "sleep", lambda _seconds: lock.unlink())
    push(here, str(there), [Update(oid, SHARE, None)])
    assert refs_of(there) == {SHARE: oid}


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_speaks_in_its_own_words(here, there, url, commit, hook):
    """A hook's refusal is told in one bounded line, without control characters, decoration and progress."""
    install_hook(
        there, hook, "#!/bin/sh\nprintf '====\\n\\033[31mToo weak a password.\\033[0m\\nAsk Eve.\\n' >&2\nexit 1\n"
    )
    with pytest.raises(RemoteRejected, match=r"declined: \[31mToo weak a password\.\[0m Ask Eve\.") as caught:
        push(here, url, [Update(commit(), SHARE, None)])
    assert type(caught.value) is RemoteRejected
    assert caught.value.ref == SHARE
    assert str(caught.value).isprintable()
    assert refs_of(there) == {}


def test_a_hook_that_talks_for_ever_is_cut(here, there, commit):
    """Megabytes of a hook's words do not become the message."""
    install_hook(there, "pre-receive", "#!/bin/sh\nyes 'no no no' | head -c 3000000 >&2\nexit 1\n")
    with pytest.raises(RemoteRejected) as caught:
        push(here, str(there), [Update(commit(), SHARE, None)])
    assert len(str(caught.value)) < 1_500


def test_our_own_hooks_do_not_run(here, there, commit, tmp_path):
    """The store's hook against pushes by hand does not stop a share; the other side's hooks run."""
    for place, name in ((here, "pre-push"), (here, "reference-transaction"), (there, "post-receive")):
        install_hook(place, name, f"#!/bin/sh\ntouch {tmp_path}/{name}\n[ {name} = post-receive ]\n")
    push(here, str(there), [Update(commit(), SHARE, None)])
    assert [name for name in os.listdir(tmp_path) if "-" in name] == ["post-receive"]


def test_a_refused_namespace_is_told_apart(here, there, url, commit):
    """A host that hides our refs is NamespaceRefused, so that branches can be tried; those go through."""
    server_git(there, "config", "receive.hideRefs", "refs/superqode")
    oid = commit()
    with pytest.raises(NamespaceRefused, match="deny updating a hidden ref"):
        push(here, url, [Update(oid, SHARE, None)])
    push(here, url, [Update(oid, "refs/heads/superqode-shares/x", None)])
    assert refs_of(there) == {"refs/heads/superqode-shares/x": oid}


def test_a_host_without_atomic_pushes_is_served(here, there, url, commit):
    """Where a server knows no atomic push, refs go one by one; if it takes only some, the error names them."""
    server_git(there, "config", "receive.advertiseAtomic", "false")
    first, second = commit(), commit()
    push(here, url, [Update(first, SHARE, None), Update(first, OTHER, None)])
    assert refs_of(there) == {SHARE: first, OTHER: first}

    install_hook(there, "update", f'#!/bin/sh\n[ "$1" = {OTHER} ] || exit 0\necho not that >&2\nexit 1\n')
    with pytest.raises(PartlyRejected, match=f"accepted {SHARE}, but not {OTHER}: hook declined: not that") as caught:
        push(here, url, [Update(second, SHARE, first), Update(second, OTHER, first)])
    assert caught.value.accepted == (SHARE,)
    assert "Nothing was changed" not in str(caught.value)


def test_refs_that_are_refused_keep_no_other_back(here, there, url, commit):
    """Each for itself: what the server refuses is named with its reason, and all else is done, deletions too."""
    first, second = commit(), commit()
    names = [f"refs/heads/{letter}" for letter in "abc"]
    push(here, url, [Update(first, name, None) for name in names])
    install_hook(there, "update", "#!/bin/sh\n[ $1 != refs/heads/b ] || { echo not that >&2; exit 1; }\n")
    wanted = [Update(second, names[0], first), Update(second, names[1], first), Update("", names[2], first)]
    refused = push_each(here, url, [*wanted, Update(first, SHARE, None)])
    assert refused == {names[1]: "hook declined: not that"}
    assert refs_of(there) == {names[0]: second, names[1]: first, SHARE: first}
    assert push_each(here, url, wanted).keys() == {names[1]}, "again is fine"


def test_a_ref_that_moved_or_has_no_place_is_no_refusal(here, there, url, commit):
    """Who was slower looks again, and a host that hides our refs gets branches; a lock that stays is a refusal."""
    first, second = commit(), commit()
    push(here, url, [Update(first, SHARE, None)])
    with pytest.raises(RemoteRefMoved):
        push_each(here, url, [Update(second, SHARE, NOWHERE)])
    _lock(there)
    assert "File exists" in push_each(here, url, [Update(second, SHARE, first), Update(second, OTHER, None)])[SHARE]
    assert refs_of(there) == {SHARE: first, OTHER: second}
    server_git(there, "config", "receive.hideRefs", "refs/superqode")
    with pytest.raises(NamespaceRefused):
        push_each(here, url, [Update(first, f"{OTHER[:-1]}t", None)])


def test_a_size_limit_is_told(here, there, url, commit):
    """A server that takes no more than so many bytes says so."""
    server_git(there, "config", "receive.maxInputSize", "5000")
    with pytest.raises(RemoteRejected, match="pack exceeds maximum allowed size"):
        push(here, url, [Update(commit(50_000), SHARE, None)])
    assert refs_of(there) == {}


def test_many_refs_go_in_parts(here, there, commit):
    """A host that fails on more than fifty gets a hundred and twenty refs all the same."""
    install_hook(there, "pre-receive", "#!/bin/sh\n[ $(wc -l) -le 50 ]\n")
    oid = commit()
    names = [f"refs/superqode/shares/{number:026}" for number in range(120)]
    push(here, str(there), [Update(oid, name, None) for name in names])
    assert sorted(refs_of(there)) == names
    push(here, str(there), [Update("", name, oid) for name in names])
    assert refs_of(there) == {}


@pytest.mark.parametrize("send", [push, push_each])
def test_parts_grow_where_the_host_takes_them(here, there, commit, send):
    """Each push has a server list all that it has: very many refs go in few."""
    told = there / "told"
    install_hook(there, "pre-receive", f"#!/bin/sh\nwc -l >>{told}\n")
    oid = commit()
    send(here, str(there), [Update(oid, f"refs/superqode/shares/{number:026}", None) for number in range(500)])
    assert len(refs_of(there)) == 500
    assert list(map(int, told.read_text().split())) == [50, 100, 200, 150]


def test_a_large_part_that_was_taken_in_part_is_sent_on(here, there, commit):
    """A host without atomic pushes that takes some of a large part gets the others in small ones: none is named."""
    server_git(there, "config", "receive.advertiseAtomic", "false")
    install_hook(there, "pre-receive", f"#!/bin/sh\nwc -l >{there}/count\n")
    install_hook(there, "update", f'#!/bin/sh\n[ $(cat {there}/count) -le 50 ] || [ "${{1%7}}" = "$1" ]\n')
    oid = commit()
    names = [f"refs/superqode/shares/{number:026}" for number in range(120)]
    push(here, str(there), [Update(oid, name, None) for name in names])
    assert sorted(refs_of(there)) == names


def test_ciphertext_is_sent_as_it_is(here, there, url, commit):
    """With `ciphertext` the pack is not compressed again: its size is the content's, and every object arrives."""
    server_git(there, "config", "receive.unpackLimit", "1")
    oid = commit(300_000)
    push(here, url, [Update(oid, SHARE, None)], ciphertext=True)
    assert server_git(there, "cat-file", "-s", f"{oid}:file") == "300000"
    assert sum(pack.stat().st_size for pack in there.glob("objects/pack/*.pack")) < 302_000


def test_progress_is_told(here, there, url, commit):
    """The callback hears git's steps with numbers; what it raises stops the push and comes out."""
    heard = []
    push(here, url, [Update(commit(), SHARE, None)], progress=lambda *step: heard.append(step))
    assert (3, 3, "Writing objects") in heard

    def stop(*_):
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        push(here, url, [Update(commit(), OTHER, None)], progress=stop)


def test_the_users_push_settings_add_nothing(here, there, home, commit):
    """Tags that follow, signatures, submodules and colours of the user's settings have no part in it."""
    (home / ".gitconfig").write_text(
        "[push]\nfollowTags=true\ngpgSign=true\nrecurseSubmodules=check\ndefault=matching\n[color]\nui=always\n"
    )
    oid = commit()
    server_git(here, "update-ref", "refs/heads/mine", oid)
    server_git(here, "tag", "-a", "-m", "x", "extra", oid)
    push(here, str(there), [Update(oid, SHARE, None)])
    assert refs_of(there) == {SHARE: oid}


@pytest.fixture
def home():
    """The empty home of the test."""
    from pathlib import Path

    return Path(os.environ["HOME"])


def test_what_is_missing_here_is_ours_to_mend(here, there, commit):
    """A source that is not there, or names nothing, is no fault of the remote's."""
    with pytest.raises(GitFailed, match=r"the object for .* is not there"):
        push(here, str(there), [Update(NOWHERE, SHARE, None)])
    for wrong in (Update("--all", SHARE, None), Update("HEAD", SHARE, None), Update(commit(), "HEAD", None)):
        with pytest.raises(ValueError, match=r"names no ref|has no source"):
            push(here, str(there), [wrong])
    with pytest.raises(ValueError, match="names no ref, or no object"):
        push(here, str(there), [Update("", SHARE, "--x")])


@pytest.mark.parametrize("what", ["nothing", "folder", "file", "bundle"])
def test_no_repository_is_no_network_trouble(here, tmp_path, commit, what):
    """A path that leads to nothing, a folder, a file, or a bundle, which git would read unchecked, is NoRepository."""
    place = tmp_path / "place"
    if what == "folder":
        place.mkdir()
    elif what == "file":
        place.write_text("gitdir: here")
    elif what == "bundle":
        server_git(here, "update-ref", "refs/heads/x", commit())
        server_git(here, "bundle", "create", "-q", str(place), "refs/heads/x")
    for act in (
        lambda: push(here, str(place), [Update(commit(), SHARE, None)]),
        lambda: ls_remote(str(place), []),
        lambda: fetch(here, str(place), {"refs/heads/x": "refs/heads/y"}),
    ):
        with pytest.raises(NoRepository, match=f"There is no Git repository at {place}: ") as caught:
            act()
        assert isinstance(caught.value, RemoteUnreachable)
        assert caught.value.outcome == "not sent"
    assert "refs/heads/y" not in refs_of(here)


def test_hostile_urls_run_nothing(here, tmp_path):
    """What would run a command is refused before git sees it, also where the user's settings lead there."""
    with pytest.raises(InvalidRemote):
        ls_remote(f"ext::touch {tmp_path}/ran", [])
    server_git(here, "config", f"url.ext::touch {tmp_path}/ran .insteadOf", "https://example.org/")
    with pytest.raises(RemoteError, match="ext is not allowed here"):
        ls_remote("https://example.org/x", [], repository=here)
    assert not (tmp_path / "ran").exists()


# -- ls_remote ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(there, here, commit):
    """The other side with three refs of one commit."""
    oid = commit()
    push(here, str(there), [Update(oid, name, None) for name in (SHARE, "refs/heads/a", "refs/heads/refs/heads/a")])
    return oid


def test_refs_are_listed_by_name_and_pattern(there, url, listed):
    """Whole names and patterns give exactly what they name; no pattern gives all."""
    assert ls_remote(url, [SHARE]) == {SHARE: listed}
    assert ls_remote(url, ["refs/heads/a"]) == {"refs/heads/a": listed}
    assert ls_remote(url, ["refs/superqode/*", "refs/heads/?"]) == {SHARE: listed, "refs/heads/a": listed}
    assert ls_remote(url, ["refs/nothing/*"]) == {}
    assert ls_remote(url, ["--upload-pack=x"]) == {}
    assert ls_remote(url) == refs_of(there)


def test_a_list_is_bounded(url, listed):
    """More refs than the limit are an error, not a shorter list."""
    assert len(ls_remote(url, [], limit=3)) == 3
    with pytest.raises(RemoteError, match="it lists more than 2 refs"):
        ls_remote(url, [], limit=2)


def test_a_ref_that_a_crash_left_empty(there, url, listed):
    """A server lists an empty ref file with an id of zeros: nothing has it. Asked for by name it is named as broken."""
    (there / SHARE).write_bytes(b"")
    with pytest.raises(RemoteError, match=f"its ref {SHARE} is broken"):
        ls_remote(url, [SHARE])
    assert ls_remote(url, ["refs/*"]) == ls_remote(url, ["refs/heads/*"])


def test_a_list_needs_no_repository(there, listed, tmp_path, monkeypatch):
    """Neither the folder we stand in nor the caller's GIT_DIR has a say."""
    strange = bare_repository(tmp_path / "strange", {f"url.{tmp_path}/nowhere.insteadOf": str(there)})
    monkeypatch.chdir(strange)
    monkeypatch.setenv("GIT_DIR", str(strange))
    assert ls_remote(str(there), [SHARE]) == {SHARE: listed}


# -- fetch -------------------------------------------------------------------------------------------------------------


def test_refs_are_fetched_by_the_beginning_of_their_names(there, url, listed, tmp_path):
    """All that begin so come, under our names; none is none, and no error."""
    into = bare_repository(tmp_path / "into")
    fetch(into, url, {"refs/nothing/*": "refs/landed/*"}, depth=1)
    assert refs_of(into) == {}
    fetch(into, url, {SHARE[:-10] + "*": "refs/landed/*", "refs/heads/a*": "refs/b/a*"}, depth=1)
    assert refs_of(into) == {"refs/landed/" + SHARE[-10:]: listed, "refs/b/a": listed}
    with pytest.raises(ValueError, match="names something that is no ref"):
        fetch(into, url, {"refs/heads/*": "refs/one"})


def test_a_fetch_by_beginnings_is_bounded(there, url, listed, tmp_path):
    """More refs than the limit are an error, not fewer."""
    for number in range(5):
        server_git(there, "update-ref", f"refs/many/{number}", listed)
    into = bare_repository(tmp_path / "into")
    with pytest.raises(RemoteError, match="it lists more than 4 refs"):
        fetch(into, url, {"refs/many/*": "refs/landed/*"}, depth=1, max_refs=4)
    fetch(into, url, {"refs/many/*": "refs/landed/*"}, depth=1, max_refs=5)
    assert len(refs_of(into)) == 5


@pytest.fixture
def into(tmp_path):
    """A new bare repository."""
    return bare_repository(tmp_path / "into")


def test_one_ref_comes_and_nothing_else(here, there, url, into, listed):
    """The ref has its new name; no tag, no FETCH_HEAD, no other branch; its objects are one pack, all sound."""
    server_git(there, "tag", "t", listed)
    fetch(into, url, {SHARE: "refs/superqode/incoming/x"})
    assert refs_of(into) == {"refs/superqode/incoming/x": listed}
    assert not (into / "FETCH_HEAD").exists()
    assert len(list(into.glob("objects/pack/*.pack"))) == 1
    assert not [path for path in into.glob("objects/??/*") if path.is_file()]
    server_git(into, "fsck", "--strict")


def test_only_so_deep(here, there, url, into, commit):
    """With a depth of one only the last commit comes."""
    commit()
    push(here, url, [Update(commit(), SHARE, None)])
    fetch(into, url, {SHARE: SHARE}, depth=1)
    assert server_git(into, "rev-list", "--count", SHARE) == "1"


def test_a_later_fetch_brings_what_is_new(here, there, into, commit):
    """What is there is built upon, and a ref that went back is followed."""
    first, second = commit(100_000), commit(10)
    push(here, str(there), [Update(first, SHARE, None)])
    fetch(into, str(there), {SHARE: SHARE})
    push(here, str(there), [Update(second, SHARE, first)])
    fetch(into, str(there), {SHARE: SHARE}, max_bytes=10_000)
    assert refs_of(into) == {SHARE: second}
    push(here, str(there), [Update(first, SHARE, second)])
    fetch(into, str(there), {SHARE: SHARE})
    assert refs_of(into) == {SHARE: first}


def test_a_ref_that_is_not_there_is_told(url, into, listed):
    """A missing ref is a lookup error of its own that names it; nothing was taken."""
    with pytest.raises(RemoteRefNotFound, match=f"has no {OTHER}") as caught:
        fetch(into, url, {SHARE: SHARE, OTHER: OTHER})
    assert isinstance(caught.value, NotFound)
    assert caught.value.ref == OTHER
    assert refs_of(into) == {}


def test_too_much_is_cut_off(here, there, url, into, commit):
    """More bytes than allowed end the fetch with an error; no half pack stays."""
    push(here, url, [Update(commit(3_000_000), SHARE, None)])
    with pytest.raises(FetchTooLarge, match="more than 100,000 bytes") as caught:
        fetch(into, url, {SHARE: SHARE}, max_bytes=100_000)
    assert caught.value.limit == 100_000
    assert not list(into.glob("objects/pack/tmp_*"))
    fetch(into, url, {SHARE: SHARE}, max_bytes=4_000_000)


def test_unsound_objects_are_refused(here, there, url, into):
    """A tree that git fsck calls an error does not come in, whichever way it is fetched."""
    done = subprocess.run(
        ["git", "-C", str(there), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        input=b"100644 .git\0" + bytes.fromhex(server_git(there, "hash-object", "-w", "/dev/null")),
        capture_output=True,
        check=True,
    )
    tree = done.stdout.decode().strip()
    ident = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    server_git(there, "update-ref", SHARE, server_git(there, *ident, "commit-tree", "-m", "x", tree))
    with pytest.raises(UnsoundObjects, match=r"object [0-9a-f]{40}: hasDotgit"):
        fetch(into, url, {SHARE: SHARE})
    assert refs_of(into) == {}


def test_an_incomplete_remote_is_refused(here, there, url, into, commit):
    """A remote that lacks objects of its own history gives an error of ours, and no ref."""
    push(here, url, [Update(commit(), SHARE, None)])
    for path in there.glob("objects/??/*"):
        if server_git(there, "cat-file", "-t", path.parent.name + path.name) == "blob":
            path.unlink()
    with pytest.raises(RemoteError):
        fetch(into, url, {SHARE: SHARE})
    assert refs_of(into) == {}


def test_names_that_are_no_refs_are_refused(here, there, into):
    """Neither side of a fetch can be an option, a pattern or a path."""
    for refs in ({"--all": "refs/x"}, {"refs/*": "refs/x"}, {"refs/x": "HEAD"}, {"refs/x": "refs/../../x"}):
        with pytest.raises(ValueError, match="no ref"):
            fetch(into, str(there), refs)
