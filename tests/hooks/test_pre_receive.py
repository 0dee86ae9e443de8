"""`hooks/server/pre-receive` with real `git push`: which shares a server takes, and whose."""

import base64
import os
import random
import subprocess
import time
import zlib

import pytest

from hooks.envelopes import (
    BRANCHES,
    FULL,
    ID,
    IDENT,
    NO_OBJECT,
    OTHER_ID,
    SESSION,
    SHARES,
    THIRD_ID,
    Repository,
    argon2id,
    canonical,
    envelope,
    hkdf,
    key,
    message,
    public_message,
    public_share,
    scrypt,
    session,
    share_of,
    token,
)

REF = f"{SHARES}/{ID}"
PUBLIC = f"{SHARES}/public/{ID}"


def _stamp(seconds: float) -> str:
    """A time from now, as the trailer of the end tells it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def _days(days: float) -> str:
    return _stamp(days * 86400)


def _share(team, *parents, share=ID, expires="", **changes):
    """A well-formed share's commit; keywords change files, with `None` to leave one out."""
    return share_of(team.client, envelope(share) | changes, *parents, share=share, expires=expires)


# ---- encrypted shares: what is well-formed ----


@pytest.mark.parametrize("ref", [REF, f"{BRANCHES}/{ID}"], ids=["namespace", "branch"])
@pytest.mark.parametrize("chunks", [(1,), (3, 1, 2)], ids=["one", "several"])
def test_a_well_formed_share_is_taken(team, ref, chunks):
    """An orphan of the format, of one or several segments, arrives in either namespace."""
    commit = share_of(team.client, envelope(chunks=chunks), expires=_days(7))

    team.accepted(f"{commit}:{ref}")

    assert team.server.tell("rev-parse", ref) == commit


@pytest.mark.parametrize(
    "kdf",
    [
        hkdf(),
        argon2id(),
        argon2id(iterations=2, lanes=1, memory_kib=19456),
        argon2id(iterations=10, lanes=16, memory_kib=1048576),
        scrypt(),
        scrypt(n=2**20, p=4),
    ],
    ids=["hkdf", "argon2id", "argon2id-floor", "argon2id-top", "scrypt", "scrypt-top"],
)
def test_every_kdf_of_the_format_is_taken(team, kdf):
    """Each way to derive a key, at its lowest and highest parameters, beside another key."""
    files = envelope() | {"keys/0.json": key(kdf), "keys/7.json": key(), "keys/15.json": key(argon2id())}

    team.accepted(f"{share_of(team.client, files)}:{REF}")


def test_full_chunks_are_taken(team):
    """Chunks of the format's largest size, just under 1 MiB each."""
    files = envelope(chunks=(3,), chunk=1047552)

    team.accepted(f"{share_of(team.client, files)}:{REF}")


def test_updates_are_taken(team):
    """A child of the tip, then two at once; keys come and go, segments are added."""
    files = envelope()
    first = share_of(team.client, files)
    team.accepted(f"{first}:{REF}")
    files |= {"keys/3.json": key(argon2id()), "manifest": token(2048 + 16), "segments/1/000000": token(64)}
    second = share_of(team.client, files, first)
    team.accepted(f"{second}:{REF}")
    del files["keys/0.json"]
    third = share_of(team.client, files, second)
    files |= {"manifest": token(2048 + 16)}
    fourth = share_of(team.client, files, third, expires=_days(1))

    team.accepted(f"{fourth}:{REF}")

    assert team.server.tell("rev-list", "--count", REF) == "4"


def test_a_share_with_updates_is_taken_as_new(team):
    """A whole chain arrives where the server has nothing of it."""
    files = envelope()
    first = share_of(team.client, files)
    second = share_of(team.client, files | {"manifest": token(1040)}, first)

    team.accepted(f"{second}:{REF}")


# ---- encrypted shares: what is not ----


def _without(*names):
    def change(files):
        for name in names:
            del files[name]

    return change


def _put(name, content):
    return lambda files: files.update({name: content})


def _header(**changes):
    value = {"chunk": 4096, "format": "superqode-share", "id": ID, "version": 1} | changes
    return _put("share.json", canonical(value))


TEXT = b'{"role": "user", "content": "the password is hunter2"}\n' * 80
BROKEN = {
    "other file": (_put("README", b"hello\n"), "other files"),
    "other folder": (_put("src/main.py", b"hello\n"), "other files"),
    "no manifest": (_without("manifest"), "other files"),
    "no header": (_without("share.json"), "other files"),
    "no keys": (_without("keys/0.json"), "other files"),
    "no segments": (_without("segments/0/000000"), "other files"),
    "key name": (_put("keys/01.json", key()), "other files"),
    "key number": (_put("keys/10000.json", key()), "other files"),
    "key ending": (_put("keys/1.txt", key()), "other files"),
    "key folder": (_put("keys/1.json/x", key()), "other files"),
    "many keys": (lambda files: files.update({f"keys/{n}.json": key() for n in range(17)}), "more than 16"),
    "segment name": (_put("segments/00/000000", token(64)), "segment too few"),
    "segment number": (_put("segments/2/000000", token(64)), "segment too few"),
    "segment is a file": (_put("segments/1", token(64)), "other files"),
    "chunk name": (_put("segments/0/1", token(64)), "other files than its chunks"),
    "chunk gap": (_put("segments/0/000002", token(64)), "a chunk too few"),
    "first chunk missing": (_put("segments/1/000001", token(64)), "a chunk too few"),
    "folder in a segment": (_put("segments/0/000001/x", token(64)), "other files than its chunks"),
    "header spaces": (_put("share.json", b'{"chunk": 4096, "format": "superqode-share"}\n'), "share.json is not"),
    "header text": (_put("share.json", TEXT), "share.json is not"),
    "header more": (_header(title="Fix it"), "share.json is not"),
    "header version": (_header(version=2), "share.json is not"),
    "header chunk small": (_header(chunk=4095), "share.json is not"),
    "header chunk large": (_header(chunk=1047553), "share.json is not"),
    "header chunk text": (_header(chunk="4096"), "share.json is not"),
    "header id": (_header(id=OTHER_ID), "of another share"),
    "manifest text": (_put("manifest", TEXT[:1097]), "manifest should be encrypted"),
    "manifest base64": (_put("manifest", base64.b64encode(token(1040))[:1097]), "manifest should be encrypted"),
    "manifest time": (_put("manifest", b"\x80" + b"\1" * 8 + token(1040)[9:]), "manifest should be encrypted"),
    "manifest length": (_put("manifest", token(1024)), "manifest is not as long"),
    "manifest empty": (_put("manifest", b""), "manifest is not as long"),
    "manifest large": (_put("manifest", token(1047552 + 1024 + 16)), "1.0 MiB"),
    "chunk text": (_put("segments/0/000000", TEXT[: 57 + 160]), "chunks should be encrypted"),
    "chunk text behind": (_put("segments/0/000000", token(16)[:9] + TEXT[: 48 + 1600]), "chunks should be encrypted"),
    "chunk zeros": (_put("segments/0/000000", token(16)[:9] + bytes(48 + 1600)), "chunks should be encrypted"),
    "chunk bundle": (
        _put("segments/0/000000", (b"# v2 git bundle\n" + random.Random(1).randbytes(400))[: 57 + 320]),
        "chunks should be encrypted",
    ),
    "chunk length": (_put("segments/0/000000", token(63)), "chunks is not as long"),
    "chunk empty": (_put("segments/0/000000", b""), "chunks is not as long"),
    "chunk short": (_put("segments/0/000000", token(0)), "chunks is not as long"),
    "chunk long": (_put("segments/0/000000", token(4096 + 32)), "chunks is not as long"),
    "chunk in between short": (_put("segments/0/000001", token(64)), "chunks is not as long"),
    "key text": (_put("keys/0.json", TEXT[:100]), "keys is not as the format says"),
    "key large": (_put("keys/0.json", key() + b" " * 5000), "keys is not as the format says"),
    "key nested": (_put("keys/0.json", b"[" * 4000), "keys is not as the format says"),
    "key more": (_put("keys/0.json", key(hkdf() | {"hint": "dog"})), "keys is not as the format says"),
    "key pretty": (_put("keys/0.json", key().replace(b",", b", ")), "keys is not as the format says"),
    "key salt": (_put("keys/0.json", key({"name": "hkdf", "salt": "AAAAAAAAAAAAAAAAAAAAAB=="})), "keys is not as"),
    "key salt short": (_put("keys/0.json", key({"name": "hkdf", "salt": "AAAA"})), "keys is not as"),
    "key wrapped text": (_put("keys/0.json", key(wrapped=TEXT[:105])), "keys is not as"),
    "key wrapped short": (_put("keys/0.json", key(wrapped=token(32))), "keys is not as"),
    "key name unknown": (_put("keys/0.json", key(hkdf() | {"name": "md5"})), "keys is not as"),
    "argon2id memory": (_put("keys/0.json", key(argon2id(memory_kib=19455))), "easy or too costly"),
    "argon2id much memory": (_put("keys/0.json", key(argon2id(memory_kib=1048577))), "easy or too costly"),
    "argon2id once": (_put("keys/0.json", key(argon2id(iterations=1))), "easy or too costly"),
    "argon2id eleven times": (_put("keys/0.json", key(argon2id(iterations=11))), "easy or too costly"),
    "argon2id lanes": (_put("keys/0.json", key(argon2id(lanes=17))), "easy or too costly"),
    "argon2id no lane": (_put("keys/0.json", key(argon2id(lanes=0))), "keys is not as"),
    "argon2id true": (_put("keys/0.json", key(argon2id(lanes=True))), "keys is not as"),
    "argon2id enormous": (_put("keys/0.json", key(argon2id(memory_kib=10**30))), "keys is not as"),
    "scrypt small": (_put("keys/0.json", key(scrypt(n=2**16))), "easy or too costly"),
    "scrypt large": (_put("keys/0.json", key(scrypt(n=2**21))), "easy or too costly"),
    "scrypt odd": (_put("keys/0.json", key(scrypt(n=131073))), "easy or too costly"),
    "scrypt r": (_put("keys/0.json", key(scrypt(r=4))), "easy or too costly"),
    "scrypt p": (_put("keys/0.json", key(scrypt(p=5))), "easy or too costly"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_of_the_format_is_refused(team, case):
    """Any other file, name, size, header, key, or anything in clear: refused in one line that says what is wrong."""
    change, why = BROKEN[case]
    files = envelope()
    change(files)

    told = team.refused(why, f"{share_of(team.client, files)}:{REF}")

    assert f"superqode: {REF} is refused: " in told
    assert told.count("remote: superqode: ") == 1


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("share.json", "100755"),
        ("manifest", "120000"),
        ("keys/0.json", "120000"),
        ("segments/0/000000", "100755"),
        ("segments/0/000000", "160000"),
        ("manifest", "100664"),
        ("manifest", "160000"),
    ],
    ids=lambda value: value.replace("/", "-"),
)
def test_other_modes_are_refused(team, path, mode):
    """Nothing but plain files: no links, no programs, no submodules."""
    tree = team.client.tree(envelope(), {path: mode})

    team.refused("other files", f"{team.client.commit(tree, message=message())}:{REF}")


COMMITS = {
    "author": {"author": "Ada <ada@example.invalid> 0 +0000"},
    "committer": {"committer": "Ada <ada@example.invalid> 0 +0000"},
    "author date": {"author": f"{IDENT} 1795341660 +0000"},
    "date": {"committer": f"{IDENT} 1795341660 +0000"},
    "zone": {"committer": f"{IDENT} 0 +0100"},
    "header": {"more": "encoding latin-1\n"},
    "signature": {"more": "gpgsig -----BEGIN\n my notes\n"},
    "title": {"message": f"share: Fix it\n\nSuperqode-Share: {ID}\n"},
    "no trailer": {"message": "share\n"},
    "empty": {"message": ""},
    "more": {"message": message() + "Superqode-Title: Fix it\n"},
    "more lines": {"message": message() + "\nand more\n"},
    "no newline": {"message": message().rstrip()},
    "expiry twice": {"message": message(expires=_days(1)) + f"Superqode-Expires: {_days(1)}\n"},
    "expiry in words": {"message": message(expires="tomorrow")},
    "expiry with fraction": {"message": message(expires="2099-11-22T10:00:00.5Z")},
    "expiry odd": {"message": message(expires="2099-11-22T10:00:00:")},
    "id": {"message": message("Z" * 26)},
}


@pytest.mark.parametrize("case", COMMITS)
def test_the_commit_tells_nothing_else(team, case):
    """Another ident, date, header, message or trailer is refused: it would be in clear."""
    commit = team.client.commit(team.client.tree(envelope()), **({"message": message()} | COMMITS[case]))

    team.refused("its commit is not an encrypted share's", f"{commit}:{REF}")


def test_an_expiry_that_is_no_time_is_refused(team):
    """The 31st of February is in the right form and no time."""
    team.refused("is no time", f"{_share(team, expires='2099-02-31T10:00:00Z')}:{REF}")


def test_a_share_has_its_own_id(team):
    """A share under another one's name is refused."""
    team.refused("of another share", f"{_share(team)}:{SHARES}/{OTHER_ID}")


@pytest.mark.parametrize(
    "name",
    [ID[:-1], ID + "0", ID.upper(), ID[:-1] + "i", ID[:-1] + "u", f"deep/{ID}", f"public/deep/{ID}", ID[:-1] + "é"],
    ids=["short", "long", "upper", "i", "u", "deep", "deep-public", "accent"],
)
@pytest.mark.parametrize("space", [SHARES, BRANCHES], ids=["namespace", "branch"])
def test_a_name_is_well_formed(team, space, name):
    """26 letters and digits of Crockford's base32, and nothing else, also for names outside ASCII."""
    told = team.refused("26 letters and digits", f"{_share(team)}:{space}/{name}")

    assert "é" not in told.split("To ")[0]


def test_kinds_keep_apart(team):
    """An encrypted share is none of the public ones, and a public one is not taken where ciphertext is promised."""
    public = public_share(team.client, session(team.client))
    for ref in (PUBLIC, f"{BRANCHES}-public/{ID}"):
        team.refused("is not a public share's", f"{_share(team)}:{ref}")
    for ref in (REF, f"{BRANCHES}/{ID}"):
        team.refused("is not an encrypted share's", f"{public}:{ref}")


@pytest.mark.parametrize("what", ["session", "tag", "tree", "blob"])
def test_only_a_commit_is_a_share(team, what):
    """A plain session, a tag, a tree or a file under a share's name is refused, as either kind."""
    commit = _share(team)
    tag = team.client.put("tag", f"object {commit}\ntype commit\ntag x\ntagger {IDENT} 0 +0000\n\n{message()}".encode())
    oids = {
        "session": session(team.client),
        "tag": tag,
        "tree": team.client.tree(envelope()),
        "blob": team.client.put("blob", TEXT),
    }
    for ref in (REF, PUBLIC):
        team.refused("is refused: its commit is not" if what == "session" else "is no commit", f"{oids[what]}:{ref}")


# ---- encrypted shares: updates ----


def test_a_session_before_a_share_is_refused(team):
    """Nothing else is reachable: a session as parent, grandparent or second parent is refused."""
    plain = session(team.client)
    first = _share(team)
    tree = team.client.tree(envelope())
    both = team.client.commit(tree, first, plain, message=message())
    child = _share(team, _share(team, plain))
    for commit in (_share(team, plain), child, both):
        team.refused("is not an encrypted share's", f"{commit}:{REF}")


def test_an_update_continues_the_tip(team):
    """Another orphan, and a sibling of the tip, are refused even by force."""
    first = _share(team)
    second = _share(team, first)
    team.accepted(f"{second}:{REF}")

    for commit in (_share(team), _share(team, first), first):
        team.refused("does not continue", f"+{commit}:{REF}")

    assert team.server.tell("rev-parse", REF) == second


def test_each_update_of_a_push_is_well_formed(team):
    """Something in clear in the middle of a chain is found, although the newest state is without it."""
    files = envelope()
    first = share_of(team.client, files)
    for bad in ({"notes": b"in clear"}, {"manifest": TEXT[:1097]}, {"keys/0.json": key(argon2id(iterations=1))}):
        middle = share_of(team.client, files | bad, first)
        last = share_of(team.client, files, middle)
        team.refused("is refused", f"{last}:{REF}")


def test_the_header_never_changes(team):
    """An update with another share.json is refused, also where both are new, and where only the chunk size differs."""
    first = share_of(team.client, envelope())
    second = share_of(team.client, envelope(chunk=8192), first)
    team.refused("share.json changed", f"{second}:{REF}")
    team.accepted(f"{first}:{REF}")

    team.refused("share.json changed", f"{second}:{REF}")


def test_known_ciphertext_is_no_key(team):
    """What was read as a chunk, in this push or an earlier one, is not taken for a key, nor a key for a chunk."""
    files = envelope()
    chunk = files["segments/0/000000"] = token(64)
    first = share_of(team.client, files | {"keys/1.json": chunk})
    team.refused("keys is not as", f"{share_of(team.client, files, first)}:{REF}")
    first = share_of(team.client, files)
    team.accepted(f"{first}:{REF}")

    team.refused("keys is not as", f"{share_of(team.client, files | {'keys/1.json': chunk}, first)}:{REF}")
    named = files | {"segments/0/000000": files["keys/0.json"] + b" " * 16}
    team.refused("chunks", f"{share_of(team.client, named, first)}:{REF}")


# ---- public shares ----


@pytest.mark.parametrize("ref", [PUBLIC, f"{BRANCHES}-public/{ID}"], ids=["namespace", "branch"])
def test_a_public_share_is_taken(team, ref):
    """A session with its history under a share's commit arrives, with everything its message may tell."""
    last = session(team.client, 120)
    told = (
        public_message(Expires=_days(30), Title=None)
        + f"Superqode-Snapshot: before {last} 2026-11-22T10:00:00.5Z Before é\n"
    )

    team.accepted(f"{public_share(team.client, last, told=told)}:{ref}")

    assert team.server.tell("rev-list", "--count", ref) == "121"


def test_a_public_share_may_have_no_title(team):
    """Nothing after the colon, as who cuts off blanks at the end of a line writes it."""
    told = public_message(title="").replace("share: \n", "share:\n")

    team.accepted(f"{public_share(team.client, session(team.client), told=told)}:{PUBLIC}")


def test_a_session_may_have_any_state(team):
    """An empty timeline, texts beside their entry, parts, and what a fork of a public share brings along."""
    files = SESSION | {
        "timeline/0000/00/00-user.json": b"{}\n",
        "timeline/0000/00/00-user.content.txt": b"long",
        "timeline/0001/99/99-call.result.000.txt": b"part",
        "timeline/0001/99/99-call.result.001.txt": b"part",
    }
    told = {"message": "save\n", "author": "A <a@b> 0 +0000", "committer": "A <a@b> 0 +0000"}
    last = team.client.commit(team.client.tree(files), team.client.commit(team.client.tree(SESSION), **told), **told)
    first = public_share(team.client, last)
    team.accepted(f"{first}:{PUBLIC}")
    fork = session(team.client, 2, first)

    team.accepted(f"{public_share(team.client, fork, told=public_message(OTHER_ID))}:{SHARES}/public/{OTHER_ID}")


def test_a_public_share_is_updated(team):
    """The previous tip is the second parent; two updates may arrive at once."""
    last = session(team.client)
    first = public_share(team.client, last)
    team.accepted(f"{first}:{PUBLIC}")
    tips = [first]
    for generation in (2, 3, 4):
        last = session(team.client, 1, last, text=b"more")
        tips.append(public_share(team.client, last, tips[-1], told=public_message(generation=generation)))

    team.accepted(f"{tips[1]}:{PUBLIC}")
    team.accepted(f"{tips[3]}:{PUBLIC}")

    assert team.server.tell("rev-parse", PUBLIC) == tips[3]


def test_a_public_update_continues_the_tip(team):
    """A share's commit without the tip before it, an old one, and one that counts wrong are refused."""
    last = session(team.client)
    first = public_share(team.client, last)
    second = public_share(team.client, last, first, told=public_message(generation=2))
    team.accepted(f"{second}:{PUBLIC}")

    other = public_share(team.client, session(team.client, text=b"other"))
    team.refused("does not continue", f"+{other}:{PUBLIC}")
    team.refused("does not continue", f"+{first}:{PUBLIC}")
    for generation in (1, 2):
        third = public_share(team.client, last, second, told=public_message(generation=generation))
        team.refused("not counted up", f"{third}:{PUBLIC}")
        fourth = public_share(team.client, last, third, told=public_message(generation=generation))
        team.refused("not counted up", f"{fourth}:{PUBLIC}")
    third = public_share(team.client, last, second, told=public_message(generation=4))
    for generation in (3, 4):
        fourth = public_share(team.client, last, third, told=public_message(generation=generation))
        team.refused("not counted up", f"{fourth}:{PUBLIC}")


MESSAGES = {
    "no share": (public_message(Share=None), "does not tell Superqode-Share"),
    "other share": (public_message(OTHER_ID), "of another share"),
    "no session": (public_message(Session=None), "does not tell Superqode-Session"),
    "no created": (public_message(Created=None), "does not tell Superqode-Created"),
    "created": (public_message(Created="today"), "Superqode-Created makes no sense"),
    "no fork": (public_message(Allow_Fork=None), "does not tell Superqode-Allow-Fork"),
    "fork": (public_message(Allow_Fork="maybe"), "Superqode-Allow-Fork makes no sense"),
    "no history": (public_message(View_History=None), "does not tell Superqode-View-History"),
    "no generation": (public_message(Generation=None), "does not tell Superqode-Generation"),
    "generation": (public_message(Generation="0"), "Superqode-Generation makes no sense"),
    "expires": (public_message(Expires="tomorrow"), "Superqode-Expires makes no sense"),
    "expires no time": (public_message(Expires="2099-02-31T10:00:00Z"), "is no time"),
    "twice": (public_message() + f"Superqode-Share: {ID}\n", "Superqode-Share makes no sense"),
    "snapshot": (public_message() + "Superqode-Snapshot: x y z\n", "Superqode-Snapshot makes no sense"),
    "subject": (public_message().replace("share: ", "save: "), "not a public share's"),
    "body": (public_message().replace("\n\n", "\n\nA body.\n\n"), "not a public share's"),
    "end": (public_message() + "\nmore\n", "not a public share's"),
    "control": (public_message(title="\x1b[2J"), "control characters"),
    "control c1": (public_message(title="\x9b2J"), "control characters"),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_public_message_makes_sense(team, case):
    """Every trailer that readers need is there once and says what it may; no terminal is commanded by a title."""
    told, why = MESSAGES[case]

    team.refused(why, f"{public_share(team.client, session(team.client), told=told)}:{PUBLIC}")


def test_a_public_message_is_utf8(team):
    """A title in another encoding is refused."""
    last = session(team.client, 1)
    tree = team.client.tell("rev-parse", f"{last}^{{tree}}")
    lines = f"tree {tree}\nparent {last}\nauthor {IDENT} 1 +0000\ncommitter {IDENT} 1 +0000\n\n".encode()
    commit = team.client.put("commit", lines + public_message(title="caf\xe9").encode("latin-1"))

    team.refused("no UTF-8", f"{commit}:{PUBLIC}")


HISTORY = {
    "code": {"src/main.py": b"print()\n"},
    "more": SESSION | {"notes.txt": b"mine\n"},
    "more in the timeline": SESSION | {"timeline/notes.txt": b"mine\n"},
    "more among entries": SESSION | {"timeline/0000/00/notes.txt": b"mine\n"},
    "deeper": SESSION | {"timeline/0000/00/00/x": b"mine\n"},
    "no format": {"session.json": b"{}\n"},
    "no session.json": {"format": b"superqode-session 1\n"},
    "other format": SESSION | {"format": b"something else\n"},
    "long format": SESSION | {"format": b"superqode-session 1\n" * 10},
    "format is a folder": {"session.json": b"{}\n", "format/x": b"superqode-session 1\n"},
}


@pytest.mark.parametrize("case", HISTORY)
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_everything_before_a_public_share_is_a_session(team, case, depth):
    """Something else in the history is found in the tip and below it."""
    told = {"message": "save\n", "author": "A <a@b> 0 +0000", "committer": "A <a@b> 0 +0000"}
    last = team.client.commit(team.client.tree(HISTORY[case]), session(team.client, 1), **told)
    if depth:
        last = session(team.client, depth, last)

    team.refused("session", f"{public_share(team.client, last)}:{PUBLIC}")


@pytest.mark.parametrize("mode", ["100755", "120000", "160000"])
def test_sessions_have_plain_files(team, mode):
    """A link, a program or a submodule in a session's tree is refused."""
    files = SESSION | {"timeline/0000/00/00-user.json": b"../../../../etc/passwd"}
    told = {"message": "save\n", "author": "A <a@b> 0 +0000", "committer": "A <a@b> 0 +0000"}
    last = team.client.commit(team.client.tree(files, {"timeline/0000/00/00-user.json": mode}), **told)

    team.refused("other files than a session", f"{public_share(team.client, last)}:{PUBLIC}")


def test_a_public_share_has_its_sessions_tree(team):
    """The share's commit adds nothing to the session it stands on, and stands on one."""
    last = session(team.client)
    other = team.client.tree(SESSION)
    wrong = team.client.commit(other, last, message=public_message())
    alone = team.client.commit(other, message=public_message())

    team.refused("its tree is not its session's", f"{wrong}:{PUBLIC}")
    team.refused("not a public share's", f"{alone}:{PUBLIC}")


def test_code_beside_a_public_share_stays_apart(team):
    """A branch of code that the server has already does not become part of a share's history."""
    told = {"message": "code\n", "author": "A <a@b> 0 +0000", "committer": "A <a@b> 0 +0000"}
    code = team.client.commit(team.client.tree({"main.py": b"print()\n"}), **told)
    team.accepted(f"{code}:refs/heads/main")

    team.refused("no session", f"{public_share(team.client, session(team.client, 1, code))}:{PUBLIC}")


def test_a_history_that_nobody_should_view_is_refused(team):
    """Where the share says that its history is not to be viewed, it has no timeline."""
    told = public_message(View_History="no")
    team.refused("nobody should view", f"{public_share(team.client, session(team.client), told=told)}:{PUBLIC}")
    bare = team.client.commit(team.client.tree(SESSION), message="save\n", author="A <a@b> 0 +0000")

    team.accepted(f"{public_share(team.client, bare, told=told)}:{PUBLIC}")


# ---- sizes and times ----


def test_a_share_is_capped(team):
    """superqode.maxShareBytes counts everything a share has, also what an earlier push brought."""
    files = envelope(chunks=(4,))
    total = sum(map(len, files.values())) - len(files["share.json"])
    team.config("maxShareBytes", str(total - 1))
    team.refused("more than the", f"{share_of(team.client, files)}:{REF}")
    team.config("maxShareBytes", str(total))
    first = share_of(team.client, files)
    team.accepted(f"{first}:{REF}")

    second = share_of(team.client, files | {"segments/1/000000": token(64)}, first)
    team.refused("more than the", f"{second}:{REF}")

    team.config("maxShareBytes", "1g")
    team.accepted(f"{second}:{REF}")


def test_an_object_is_capped(team):
    """superqode.maxObjectBytes is for every chunk, and twice that for a file of a public share."""
    team.config("maxObjectBytes", "4k")
    team.refused("more than the 4,096 bytes", f"{share_of(team.client, envelope(chunks=(2,)))}:{REF}")
    for size, taken in ((8192, True), (8193, False)):
        last = team.client.commit(
            team.client.tree(SESSION | {"session.json": b"x" * size}), message="save\n", author="A <a@b> 0 +0000"
        )
        what = f"{public_share(team.client, last)}:{PUBLIC}"
        if taken:
            team.accepted(what)
            team.config("allowDelete", "true")
            team.accepted(f":{PUBLIC}")
        else:
            team.refused("more than the 8,192 bytes", what)


def test_a_public_share_is_capped(team):
    """The whole history counts, as it lies on the disk."""
    noise = base64.b64encode(random.Random(3).randbytes(60_000))
    what = f"{public_share(team.client, session(team.client, 3, text=noise))}:{PUBLIC}"
    team.config("maxShareBytes", "64k")
    team.refused("more than the 65,536 bytes", what)

    team.config("maxShareBytes", "1m")
    team.accepted(what)


def test_an_expired_share_is_refused(team):
    """What is over when it arrives is refused, encrypted or not; an update may give it a later end."""
    over = _stamp(-5)
    first = _share(team, expires=over)
    team.refused("it expired at", f"{first}:{REF}")
    team.refused(
        "it expired at",
        f"{public_share(team.client, session(team.client), told=public_message(Expires=over))}:{PUBLIC}",
    )

    team.accepted(f"{_share(team, first, expires=_days(1), **_same(team, first))}:{REF}")


def _same(team, commit):
    """The header of an earlier state."""
    return {"share.json": team.client.git("cat-file", "blob", f"{commit}:share.json").stdout.encode()}


@pytest.mark.parametrize("expires", ["", _days(9)], ids=["never", "late"])
def test_a_share_may_have_to_end(team, expires):
    """superqode.maxDays refuses a share that lives longer, or for ever, and takes one that ends in time."""
    team.config("maxDays", "8")
    team.refused("shares live at most 8 days here", f"{_share(team, expires=expires)}:{REF}")

    team.accepted(f"{_share(team, expires=_days(8))}:{REF}")


# ---- owners ----


NAMES = {
    "gitolite": ({"GL_USER": "alice"}, {"GL_USER": "bob"}),
    "gitlab": ({"GL_ID": "user-1", "GL_USERNAME": "alice"}, {"GL_ID": "user-2", "GL_USERNAME": "alice"}),
    "gitea": (
        {"GITEA_PUSHER_ID": "1", "GITEA_PUSHER_NAME": "alice"},
        {"GITEA_PUSHER_ID": "2", "GITEA_PUSHER_NAME": "bob"},
    ),
    "gitea-name": ({"GITEA_PUSHER_NAME": "alice"}, {"GITEA_PUSHER_NAME": "bob"}),
    "web": ({"REMOTE_USER": "alice"}, {"REMOTE_USER": "bob"}),
    "nobody": ({"REMOTE_USER": "alice"}, {}),
}


@pytest.mark.parametrize("server", NAMES)
def test_a_share_is_its_owners(team, server):
    """Who pushed it first may continue and delete it, nobody else, whatever way the server names people."""
    alice, bob = NAMES[server]
    first = _share(team)
    second = _share(team, first, **_same(team, first))
    team.accepted(f"{first}:{REF}", **alice)

    team.refused("it belongs to alice", f"{second}:{REF}", **bob)
    team.refused("it belongs to alice", f":{REF}", **bob)
    team.refused("belongs to alice", f"{first}:{BRANCHES}/{ID}", **bob)

    team.accepted(f"{second}:{REF}", **alice)
    team.accepted(f":{REF}", **alice)
    assert team.server.refs() == []
    team.accepted(f"{first}:{REF}", **bob)


def test_a_share_of_nobody_is_continued_and_not_deleted(team):
    """Where the server names nobody, anyone may continue a share, and none delete it, not even who has a name."""
    first = _share(team)
    second = _share(team, first, **_same(team, first))
    team.accepted(f"{first}:{REF}")

    team.accepted(f"{second}:{REF}")

    team.refused("does not know whose it is", f":{REF}")
    team.refused("does not know whose it is", f":{REF}", user="bob")


def test_deletion_may_be_allowed(team):
    """With superqode.allowDelete everybody deletes every share, and still continues only their own."""
    first = _share(team)
    team.accepted(f"{first}:{REF}", user="alice")
    team.config("allowDelete", "true")

    team.refused("it belongs to alice", f"{_share(team, first, **_same(team, first))}:{REF}", user="bob")
    team.accepted(f":{REF}", user="bob")


def test_an_expired_share_is_deleted_by_anyone(team):
    """Its time is over: who cleans up need not be its owner; before that they cannot, whatever they claim it to be."""
    over, alive = _share(team, expires=_stamp(-5)), _share(team, share=OTHER_ID, expires=_days(1))
    for oid, ref in ((over, REF), (alive, f"{SHARES}/{OTHER_ID}")):
        team.client.git("push", str(team.server.path), f"{oid}:refs/heads/x")
        team.server.git("update-ref", ref, oid)
        team.server.git("update-ref", "-d", "refs/heads/x")

    team.refused("does not know whose it is", f":{SHARES}/{OTHER_ID}", user="bob")
    lied = team.hook("pre-receive", f"{over} {NO_OBJECT} {SHARES}/{OTHER_ID}")
    assert lied.returncode == 1
    team.accepted(f":{REF}", user="bob")

    assert team.server.refs() == [f"{SHARES}/{OTHER_ID}"]


@pytest.mark.parametrize("old", ["1" * 40, NO_OBJECT], ids=["unknown", "nothing"])
def test_a_deletion_that_lies_about_the_tip_is_refused(team, old):
    """Git deletes without looking where the old object is unknown to it; the owner is asked for all the same."""
    team.accepted(f"{_share(team)}:{REF}", user="alice")

    assert team.hook("pre-receive", f"{old} {NO_OBJECT} {REF}").returncode == 1


def test_one_owner_has_so_many_shares(team):
    """superqode.maxSharesPerOwner counts what is on the server, over pushes and within one; deleting makes room."""
    team.config("maxSharesPerOwner", "2")
    ids = [ID, OTHER_ID, THIRD_ID]
    oids = {share: _share(team, share=share) for share in ids}
    every = [f"{oids[share]}:{SHARES}/{share}" for share in ids]
    team.refused("one person may have 2 shares here", *every, user="alice")
    team.accepted(*every[:2], user="alice")

    team.refused("one person may have 2 shares here", every[2], user="alice")

    update = _share(team, oids[ID], **_same(team, oids[ID]))
    team.accepted(f"{update}:{REF}", user="alice")
    team.accepted(every[2], user="bob")
    team.accepted(f":{REF}", user="alice")
    team.accepted(f"{_share(team, share=ID[::-1])}:{SHARES}/{ID[::-1]}", user="alice")


def test_shares_of_nobody_are_counted_together(team):
    """Where the server names nobody, the limit is for all of them."""
    team.config("maxSharesPerOwner", "1")
    team.accepted(f"{_share(team)}:{REF}")

    team.refused("one person may have 1 share", f"{_share(team, share=OTHER_ID)}:{SHARES}/{OTHER_ID}")
    team.accepted(f"{_share(team, share=OTHER_ID)}:{SHARES}/{OTHER_ID}", user="bob")


def test_a_claim_that_never_arrived_ends(team):
    """A push that fails after the hook holds its id for an hour, for its owner to try again; then it is free."""
    what = f"{_share(team)}:{REF}"
    update = team.server.path / "hooks" / "update"
    update.write_text("#!/bin/sh\nexit 1\n")
    update.chmod(0o755)
    assert team.push(what, user="alice").returncode == 1
    update.unlink()

    team.refused("belongs to alice", what, user="bob")
    record = team.server.path / "superqode-server" / "owners" / ID
    os.utime(record, (time.time() - 3601,) * 2)
    team.accepted(what, user="bob")

    team.refused("belongs to bob", f":{REF}", user="alice")


def test_two_who_push_one_id_at_once(team):
    """Of several who push different shares under one id at the same moment one wins, and is its owner."""
    users = [f"user{number}" for number in range(6)]
    running = {}
    for user in users:
        command = ["git", "-C", str(team.client.path), "push", str(team.server.path), f"{_share(team)}:{REF}"]
        running[user] = subprocess.Popen(command, env=os.environ | {"GL_USER": user}, stderr=subprocess.PIPE)
    told = {user: process.communicate(timeout=60) and process.returncode for user, process in running.items()}

    (winner,) = [user for user, code in told.items() if code == 0]

    record = (team.server.path / "superqode-server" / "owners" / ID).read_text()
    assert f'"owner": "{winner}"' in record
    team.refused(f"belongs to {winner}", f":{REF}", user="user9")
    team.accepted(f":{REF}", user=winner)


def test_a_record_is_open_to_the_group(team):
    """In a repository that a group shares, others of it can write the record too."""
    team.server.git("config", "core.sharedRepository", "group")
    (team.server.path / "refs").chmod(0o2775)

    team.accepted(f"{_share(team)}:{REF}", user="alice")

    folder = team.server.path / "superqode-server"
    assert (folder / "owners").stat().st_mode & 0o7777 == 0o2775
    assert (folder / "owners" / ID).stat().st_mode & 0o777 == 0o664
    assert sorted(file.name for file in (folder / "owners").iterdir()) == [ID]


def test_the_record_is_not_fetched(team):
    """Nobody who clones or lists the repository learns who owns what."""
    team.accepted(f"{_share(team)}:{REF}", user="a-very-rare-name")

    seen = team.client.tell("ls-remote", str(team.server.path))
    copy = Repository(team.server.path.parent / "copy.git")
    subprocess.run(["git", "clone", "-q", "--mirror", f"file://{team.server.path}", str(copy.path)], check=True)

    assert "rare" not in seen
    assert not any(b"a-very-rare" in file.read_bytes() for file in copy.path.rglob("*") if file.is_file())


# ---- the push as a whole ----


def test_other_refs_pass_untouched(team):
    """Code, tags and notes go their way without a word, made, moved and deleted."""
    code = session(team.client, 2)
    for ref in ("refs/heads/main", "refs/tags/v1", "refs/notes/x", "refs/heads/superqode-shares", "refs/superqode/x"):
        assert "superqode:" not in team.accepted(f"{code}:{ref}")
        assert "superqode:" not in team.accepted(f"+{code}~1:{ref}")
        assert "superqode:" not in team.accepted(f":{ref}")


def test_a_server_for_shares_only(team):
    """superqode.onlyShares refuses every other ref, and deletions too."""
    code = session(team.client)
    team.accepted(f"{code}:refs/heads/main")
    team.config("onlyShares", "true")

    team.refused("nothing but shares", f"{code}:refs/heads/other")
    team.refused("nothing but shares", ":refs/heads/main")
    team.accepted(f"{_share(team)}:{REF}")


def test_a_push_is_taken_whole_or_not(team):
    """One bad share holds back good ones and code; each refusal is one line, at most five are told."""
    good = [f"{_share(team)}:{REF}", f"{session(team.client)}:refs/heads/main"]
    bad = share_of(team.client, envelope(OTHER_ID) | {"x": b""}, share=OTHER_ID)
    told = team.refused("other files", *good, f"{bad}:{SHARES}/{OTHER_ID}", user="alice")
    assert told.count("remote: superqode: ") == 1
    assert team.server.refs() == []
    assert not (team.server.path / "superqode-server").exists()

    many = [f"{bad}:{SHARES}/{number:026d}" for number in range(9)]
    told = team.refused("and 4 more", *many)
    assert told.count("remote: superqode: ") == 6


def test_several_shares_arrive_at_once(team):
    """Both kinds, an update and a deletion in one push."""
    files = envelope()
    first = share_of(team.client, files)
    team.accepted(f"{first}:{REF}", f"{_share(team, share=THIRD_ID)}:{SHARES}/{THIRD_ID}", user="alice")
    public = public_share(team.client, session(team.client), told=public_message(OTHER_ID))

    team.accepted(
        f"{share_of(team.client, files, first)}:{REF}",
        f"{public}:{SHARES}/public/{OTHER_ID}",
        f":{SHARES}/{THIRD_ID}",
        user="alice",
    )

    assert len(team.server.refs()) == 2


def test_refused_objects_do_not_stay(team):
    """The check happens in git's quarantine: nothing of a refused push is on the server."""
    commit = share_of(team.client, envelope() | {"x": b"the password is hunter2"})

    team.refused("other files", f"{commit}:{REF}")

    assert team.server.git("cat-file", "-e", commit, check=False).returncode == 1
    assert not [file for file in (team.server.path / "objects").rglob("*") if file.is_file()]


def test_a_packed_and_a_loose_push_are_judged_alike(team):
    """Whether git keeps the pack or unpacks it, the same rules hold."""
    for limit in ("1", "10000"):
        team.server.git("config", "receive.unpackLimit", limit)
        share = ID if limit == "1" else OTHER_ID
        good, bad = envelope(share, (3,)), envelope(share, (3,)) | {"x": b""}
        team.refused("other files", f"{share_of(team.client, bad, share=share)}:{SHARES}/{share}")
        team.accepted(f"{share_of(team.client, good, share=share)}:{SHARES}/{share}")


def test_a_replacement_hides_nothing(team):
    """A replace ref on the server does not show the hook another commit than the one that is pushed."""
    good, bad = _share(team), share_of(team.client, envelope() | {"x": b"in clear"})
    team.accepted(f"{good}:refs/heads/good", f"{bad}:refs/heads/bad")
    team.server.git("replace", bad, good)

    team.refused("other files", f"{bad}:{REF}")


def test_a_shallow_push_brings_nothing_by_the_back_door(team):
    """A history cut off at the client is refused, also where the server accepts shallow pushes of others."""
    last = session(team.client, 3)
    tip = public_share(team.client, last)
    team.client.point("refs/heads/x", tip)
    shallow = Repository(team.server.path.parent / "shallow.git")
    clone = ["git", "clone", "-q", "--bare", "--depth=2", "-b", "x", f"file://{team.client.path}", str(shallow.path)]
    subprocess.run(clone, check=True)
    team.server.git("config", "receive.shallowUpdate", "true")

    pushed = shallow.git("push", str(team.server.path), f"{tip}:{PUBLIC}", check=False)

    assert "Traceback" not in pushed.stderr
    assert (pushed.returncode == 0) == (team.server.refs() == [PUBLIC])


# ---- a hook that was there before ----


def _earlier(team, script):
    earlier = team.server.path / "hooks" / "pre-receive.before-superqode"
    earlier.write_text(script)
    earlier.chmod(0o755)
    return earlier


def test_the_earlier_hook_runs_as_git_would_run_it(team, tmp_path):
    """It reads the same lines, in the same environment and folder, sees the new objects, and has the last word."""
    script = f'#!/bin/sh\ncat >"{tmp_path}/told"; env >"{tmp_path}/env"; echo "$# $PWD" >"{tmp_path}/where"\n'
    _earlier(team, script + 'read -r x; git cat-file -e "$OID" || exit 1\n')
    commit = _share(team)

    team.accepted(f"{commit}:{REF}", f"{commit}:refs/heads/x", user="alice", OID=commit)

    assert (tmp_path / "told").read_text() == f"{NO_OBJECT} {commit} refs/heads/x\n{NO_OBJECT} {commit} {REF}\n" or (
        tmp_path / "told"
    ).read_text() == f"{NO_OBJECT} {commit} {REF}\n{NO_OBJECT} {commit} refs/heads/x\n"
    environment = (tmp_path / "env").read_text().splitlines()
    assert {"GL_USER=alice", "GIT_DIR=."} <= set(environment)
    assert any(line.startswith("GIT_QUARANTINE_PATH=") for line in environment)
    assert (tmp_path / "where").read_text() == f"0 {team.server.path}\n"


@pytest.mark.parametrize("first", ["#!/bin/sh\n", ""], ids=["interpreter", "none"])
def test_the_earlier_hook_may_refuse(team, first):
    """Its words and its refusal stand, for shares and for everything else; also where it names no interpreter."""
    _earlier(team, f"{first}echo 'not on a Friday' >&2\nexit 7\n")

    for what in (f"{_share(team)}:{REF}", f"{session(team.client)}:refs/heads/main"):
        pushed = team.push(what)
        assert pushed.returncode == 1
        assert "not on a Friday" in pushed.stderr
    assert team.server.refs() == []
    assert team.hook("pre-receive").returncode == 7


def test_the_earlier_hook_is_not_asked_about_what_is_refused(team, tmp_path):
    """Our refusal stands without it."""
    _earlier(team, f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")

    team.refused("other files", f"{_share(team, x=b'')}:{REF}")

    assert not (tmp_path / "ran").exists()


def test_an_earlier_hook_that_was_switched_off_stays_off(team):
    """Git skips a hook that is not executable, and so do we; a killed one refuses."""
    _earlier(team, "#!/bin/sh\nexit 1\n").chmod(0o644)
    team.accepted(f"{_share(team)}:{REF}")
    _earlier(team, "#!/bin/sh\nkill -9 $$\n")

    assert team.push(f"{_share(team, share=OTHER_ID)}:{SHARES}/{OTHER_ID}").returncode == 1


# ---- surprises ----


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("onlyShares", "maybe", "neither true nor false"),
        ("allowDelete", "2", "neither true nor false"),
        ("maxShareBytes", "lots", "is no number"),
        ("maxObjectBytes", "-1", "is no number"),
        ("maxDays", "1.5", "is no number"),
        ("maxSharesPerOwner", "", "is no number"),
    ],
    ids=["onlyShares", "allowDelete", "maxShareBytes", "maxObjectBytes", "maxDays", "maxSharesPerOwner"],
)
def test_a_setting_that_makes_no_sense_refuses(team, name, value, told):
    """A limit that cannot be read is not taken for none; the line names the setting."""
    team.config(name, value)

    assert f"superqode.{name}" in team.refused(told, f"{_share(team)}:{REF}")


def test_settings_are_read_as_git_reads_them(team):
    """A name without a value is true, k, m and g count 1024s, the last of several wins."""
    config = team.server.path / "config"
    config.write_text(config.read_text() + "[superqode]\n\tonlyShares\n\tmaxObjectBytes = 1K\n\tmaxobjectbytes = 1M\n")

    team.accepted(f"{_share(team)}:{REF}")
    team.refused("nothing but shares", f"{_share(team)}:refs/heads/x")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"owner": 1}', "[" * 4000], ids=["empty", "cut", "list", "half", "deep"]
)
def test_a_damaged_record_refuses(team, content):
    """Where the record cannot be read nobody is taken for the owner."""
    first = _share(team)
    team.accepted(f"{first}:{REF}", user="alice")
    (team.server.path / "superqode-server" / "owners" / ID).write_text(content)

    team.refused("is damaged", f":{REF}", user="alice")
    team.refused("is damaged", f"{_share(team, first, **_same(team, first))}:{REF}", user="bob")


@pytest.mark.parametrize("name", ["\x1b[2J", "x" * 300, "a\nb"], ids=["control", "long", "lines"])
def test_an_odd_name_of_the_pusher_refuses(team, name):
    """A name that no server gives is not recorded and not printed."""
    told = team.refused("calls you by a name", f"{_share(team)}:{REF}", user=name)

    assert "\x1b[2J" not in told


def test_a_record_that_cannot_be_written_refuses(team):
    """Without knowing whose a share is it is not taken."""
    (team.server.path / "superqode-server").write_text("a file")

    team.refused("could not be checked", f"{_share(team)}:{REF}", user="alice")


def test_a_server_without_git_on_its_path_refuses(team, tmp_path):
    """The hook says so in one line, and ends with an error."""
    python = next(folder for folder in os.environ["PATH"].split(os.pathsep))
    hook = [str(team.server.path / "hooks" / "pre-receive")]
    line = f"{NO_OBJECT} {_share(team)} {REF}\n"
    bare = {"PATH": python, "GIT_DIR": "."}
    run = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in bare.items()), "python3", "-I", *hook]

    told = subprocess.run(run, cwd=team.server.path, input=line, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "no git on its PATH" in told.stderr


@pytest.mark.parametrize(
    "line",
    [
        "",
        "refs/heads/x",
        f"{NO_OBJECT} {NO_OBJECT}",
        f"{NO_OBJECT} HEAD {REF}",
        f"{NO_OBJECT} --all {REF}",
        f"HEAD {NO_OBJECT} {REF}",
        f"{NO_OBJECT}  {REF}",
        f"{NO_OBJECT} {'f' * 40} {REF}",
        f"{'e' * 40} {'f' * 40} {REF}",
        f"{NO_OBJECT} {'f' * 40} {PUBLIC}",
        f"{NO_OBJECT} {'f' * 40} {REF}\x1b[2J",
        f"{NO_OBJECT} {'f' * 40} {REF} more",
        f"{'0' * 64} {'f' * 64} {REF}",
        f"{NO_OBJECT} {'f' * 40} {SHARES}/$(touch owned)",
        f"{NO_OBJECT} {'f' * 40} {SHARES}/" + "x" * 100_000,
    ],
    ids=lambda line: line[-12:].replace(" ", "_").replace("\x1b", "") or "empty",
)
def test_odd_lines_are_refused_and_do_nothing(team, line):
    """Nonsense, options, shell syntax and objects that are not there: one clean line, exit code 1, no trace."""
    before = sorted(team.server.path.rglob("*"))

    told = team.hook("pre-receive", line)

    assert told.returncode == 1
    assert told.stderr.startswith("superqode: ")
    assert told.stderr.count("\n") == 1
    assert all(sign == "\n" or " " <= sign <= "~" for sign in told.stderr)
    assert sorted(team.server.path.rglob("*")) == before


def test_a_line_cut_short_is_refused(team):
    """Git ends every line; what is not ended may be a part of something else."""
    hook = [str(team.server.path / "hooks" / "pre-receive")]
    told = subprocess.run(
        hook,
        cwd=team.server.path,
        input=f"{NO_OBJECT} {'f' * 40} refs/heads/x".encode(),
        check=False,
        capture_output=True,
    )

    assert told.returncode == 1


def test_an_empty_push_passes(team):
    """Nothing on standard input is nothing to refuse."""
    assert team.hook("pre-receive").returncode == 0


def test_all_of_a_long_standard_input_is_read(team):
    """Git can tell 30,000 refs without a broken pipe, the last of them counts, and the earlier hook reads them all."""
    lines = [f"{NO_OBJECT} {'f' * 40} refs/heads/{number}" for number in range(30_000)]
    _earlier(team, f"#!/bin/sh\nwc -l >'{team.server.path}/counted'\n")
    assert team.hook("pre-receive", *lines).returncode == 0
    assert (team.server.path / "counted").read_text().strip() == "30000"

    assert team.hook("pre-receive", *lines, f"{NO_OBJECT} {'f' * 40} {REF}").returncode == 1


def test_more_shares_than_one_push_may_have(team):
    """A push of thousands of shares is refused instead of keeping the server busy."""
    commit = _share(team)
    team.server.put("commit", team.client.git("cat-file", "commit", commit).stdout.encode())
    lines = [f"{commit} {commit} {SHARES}/{number:026d}" for number in range(1001)]

    told = team.hook("pre-receive", *lines)

    assert told.returncode == 1
    assert "more than 1000 shares" in told.stderr


def test_random_damage_never_passes_nor_traces(team):
    """Any change to any byte of header, key, commit or tree, or to what makes a token: refused, or still of the format."""
    chance = random.Random(11)
    lines = []
    for number in range(150):
        share = f"{number:026d}"
        changed = envelope(share)
        name = chance.choice(["share.json", "keys/0.json", "manifest", "segments/0/000000"])
        content = bytearray(changed[name])
        place = chance.randrange(9) if name in ("manifest", "segments/0/000000") else chance.randrange(len(content))
        content[place] ^= chance.randrange(1, 256)
        commit = share_of(team.server, changed | {name: bytes(content)}, share=share)
        told = team.hook("pre-receive", f"{NO_OBJECT} {commit} {SHARES}/{share}") if number < 10 else None
        assert told is None or "Traceback" not in told.stderr
        lines.append((f"{NO_OBJECT} {commit} {SHARES}/{share}", name))
    told = team.hook("pre-receive", *(line for line, _ in lines))

    assert told.returncode == 1
    refused = 5 + int(told.stderr.rpartition("and ")[2].split()[0])
    # A changed letter inside a salt or a wrapped key is as good as the one before.
    keys = sum(name == "keys/0.json" for _, name in lines)
    assert 150 - keys <= refused <= 150


def _damaged(chance, tree):
    """A tree with something cut off, put in or changed; or noise."""
    place = chance.randrange(len(tree))
    noise = chance.randbytes(chance.randrange(1, 60))
    return chance.choice(
        [tree[:place], tree[:place] + noise + tree[place:], tree[:place] + noise + tree[place + 1 :], noise]
    )


def test_random_trees_never_pass_nor_trace(team):
    """Trees, commits and files of noise under a share's name: one line, exit code 1, both kinds."""
    chance = random.Random(5)
    with (team.server.path / "objects" / (tree := team.server.tree(envelope()))[:2] / tree[2:]).open("rb") as file:
        good = zlib.decompress(file.read()).partition(b"\0")[2]
    raw = team.server.git("cat-file", "commit", share_of(team.server, envelope())).stdout.encode()
    for number in range(40):
        kind = chance.choice(["commit", "tree"])
        if kind == "commit":
            content = bytearray(raw)
            for _ in range(chance.randrange(1, 4)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            oid = team.server.put("commit", bytes(content))
        else:
            oid = team.server.commit(team.server.put("tree", _damaged(chance, good)), message=message())
        for ref in (REF, PUBLIC):
            told = team.hook("pre-receive", f"{NO_OBJECT} {oid} {ref}")
            assert (told.returncode, told.stderr.count("\n")) == (1, 1), (number, told.stderr)
            assert "Traceback" not in told.stderr


def test_a_large_share_is_checked_in_moments(team):
    """2,000 chunks are read through a handful of processes, an update of them without reading any again."""
    files = envelope(chunks=(2000,))
    first = share_of(team.server, files)
    second = share_of(team.server, files | {"manifest": token(1040)}, first)
    trace = team.server.path / "trace"
    for line in (f"{NO_OBJECT} {first} {REF}", f"{first} {second} {REF}"):
        hook = [str(team.server.path / "hooks" / "pre-receive")]
        told = subprocess.run(
            hook,
            cwd=team.server.path,
            input=f"{line}\n".encode(),
            check=False,
            env=os.environ | {"GIT_TRACE": str(trace)},
        )
        assert told.returncode == 0
        assert 2 <= trace.read_text().count("built-in: git") <= 4
        trace.unlink()
    assert FULL == 4169


def test_a_huge_file_is_refused_unread(team):
    """A file that unfolds to 200 MB takes no such memory: its size is known before it is read."""
    files = envelope() | {"manifest": bytes(200_000_000)}
    commit = share_of(team.server, files)
    hook = str(team.server.path / "hooks" / "pre-receive")
    limited = f"ulimit -v 300000; exec '{hook}'"

    told = subprocess.run(
        ["/bin/sh", "-c", limited],
        cwd=team.server.path,
        input=f"{NO_OBJECT} {commit} {REF}\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert "more than the 1.0 MiB" in told.stderr
