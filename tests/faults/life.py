"""Somebody who works with a store, and remembers what was acknowledged: the model that stores are held against."""

from __future__ import annotations

import random
from collections.abc import Callable

from superqode.session import Session, SessionStore
from superqode.session.errors import NothingToRedo, NothingToUndo, SaveFailed, SessionError
from superqode.session.store.loading import load_commit

from .tally import Lost, Unreadable

# What a session may say: its texts, or nothing where it is in the trash.
State = tuple[str, ...] | None


def texts(session: Session) -> tuple[str, ...]:
    """What a session's messages say."""
    return tuple(message.content for message in session.messages)


class Life:
    """Sessions made, changed, deleted by chance, and what each of them may be by now.

    Args:
        dice: the chance.
        prefix: what the ids of its sessions begin with.

    Attributes:
        known: by session, the states that are right: one, or two where a call failed and did not say what it did.
        snapshots: by session and snapshot, how many messages it has.
        refused: how many steps failed.
    """

    def __init__(self, dice: random.Random, prefix: str = "s") -> None:
        self.dice = dice
        self.prefix = prefix
        self.known: dict[str, set[State]] = {}
        self.snapshots: dict[str, int] = {}
        self.refused = 0
        self._deleted: set[str] = set()

    # -- steps --------------------------------------------------------------------------------------------------------

    def step(self, store: SessionStore) -> str:
        """Do one thing; gives what the library said where it refused, and else nothing."""
        verbs: list[Callable[[SessionStore], None]] = [self._new, *[self._add] * 4, self._fork, self._undo, self._redo]
        verbs += [self._snapshot, self._delete, self._undelete, self._rename]
        verb = self.dice.choice(verbs if self._here() else [self._new])
        try:
            verb(store)
        except (NothingToUndo, NothingToRedo):
            return ""
        except SessionError as problem:
            self.refused += 1
            return f"{verb.__name__}: {type(problem).__name__}: {problem}"
        return ""

    def _here(self) -> list[str]:
        return sorted(name for name, states in self.known.items() if None not in states)

    def _gone(self) -> list[str]:
        return sorted(name for name, states in self.known.items() if states == {None})

    def _pick(self) -> str:
        return self.dice.choice(self._here())

    def _fresh(self) -> str:
        return f"{self.prefix}{self.dice.randrange(10**8):08}"

    def _attempt(self, action: Callable[[], object], changes: dict[str, State]) -> None:
        """Do what makes these sessions what is told; where it fails, each is that or what it was, as the error says."""
        try:
            action()
        except SessionError as problem:
            outcome = problem.outcome if isinstance(problem, SaveFailed) else "unknown"
            for name, after in changes.items():
                before = self.known.get(name, {None})
                self.known[name] = {"saved": {after}, "not saved": before}.get(outcome, before | {after})
            raise
        self.known |= {name: {after} for name, after in changes.items()}

    def _new(self, store: SessionStore) -> None:
        session = Session(id=self._fresh(), title="T")
        session.add_message("user", "begin")
        self._attempt(lambda: store.save(session), {session.id: ("begin",)})

    def _add(self, store: SessionStore) -> None:
        session = store.load(self._pick())
        for _ in range(self.dice.randint(1, 3)):
            session.add_message("user", f"text {self.dice.random()}" * self.dice.randint(1, 40))
        self._attempt(lambda: store.save(session), {session.id: texts(session)})

    def _fork(self, store: SessionStore) -> None:
        parent, name = self._pick(), self._fresh()
        state = texts(store.load(parent))
        self._attempt(lambda: store.fork(parent, new_id=name), {name: state})

    def _undo(self, store: SessionStore) -> None:
        self._move(store, store.undo)

    def _redo(self, store: SessionStore) -> None:
        self._move(store, store.redo)

    def _move(self, store: SessionStore, move: Callable[[str], object]) -> None:
        name = self._pick()
        try:
            move(name)
        except (NothingToUndo, NothingToRedo):
            raise
        except SessionError:
            # Where it goes to is known by the history alone, which a failed call does not change.
            self.known[name] |= {texts(store.at(name, save.commit)) for save in store.history(name)}
            raise
        self.known[name] = {texts(store.load(name))}

    def _snapshot(self, store: SessionStore) -> None:
        session = store.load(self._pick())
        snapshot = session.create_snapshot("here")
        store.save(session)
        self.snapshots[f"{session.id}/{snapshot.id}"] = len(session.messages)

    def _delete(self, store: SessionStore) -> None:
        name = self._pick()
        self._forget_snapshots(name)
        self._attempt(lambda: store.delete(name), {name: None})
        self._deleted.add(name)

    def _undelete(self, store: SessionStore) -> None:
        gone = self._gone()
        if not gone:
            return
        name = self.dice.choice(gone)
        item = next((item for item in store.trash() if item.session_id == name), None)
        if item is None:  # it was never acknowledged
            del self.known[name]
            return
        state = texts(load_commit(store._open(), name, item.tip, branch=None))
        self._deleted.discard(name)
        self._attempt(lambda: store.undelete(name), {name: state})

    def _rename(self, store: SessionStore) -> None:
        old, new = self._pick(), self._fresh()
        state = texts(store.load(old))
        try:
            store.rename(old, new)
        except SessionError:
            self.known[old] = {state, None}
            self.known[new] = {state, None}
            raise
        del self.known[old]
        self.known[new] = {state}
        for key in [key for key in self.snapshots if key.startswith(f"{old}/")]:
            self.snapshots[f"{new}/{key.partition('/')[2]}"] = self.snapshots.pop(key)

    def _forget_snapshots(self, name: str) -> None:
        self.snapshots = {key: count for key, count in self.snapshots.items() if not key.startswith(f"{name}/")}

    # -- what is there ------------------------------------------------------------------------------------------------

    def check(self, store: SessionStore) -> None:
        """All that was acknowledged is there, as it was; what was in doubt is known from now on."""
        listed = {row.id: row.problem for row in store.list_sessions()}
        trashed = {item.session_id for item in store.trash()}
        for name, states in list(self.known.items()):
            self.known[name] = {self._found(store, name, states, listed, trashed)}
        for key, count in self.snapshots.items():
            name, _, snapshot_id = key.partition("/")
            if self.known[name] == {None}:
                continue
            found = [one for one in store.load(name).snapshots if one.id == snapshot_id]
            if len(found) != 1 or len(found[0].state.messages) != count:
                raise Lost(f"the snapshot {key}")
        extra = set(listed) - set(self._here())
        assert not extra, f"{extra} nobody made"

    def _found(
        self, store: SessionStore, name: str, states: set[State], listed: dict[str, str], trashed: set[str]
    ) -> State:
        if name not in listed:
            if name not in trashed and (None not in states or name in self._deleted):
                raise Lost(f"the session {name}")
            assert None in states, f"{name} is in the trash, and nobody deleted it"
            return None
        try:
            found = texts(store.load(name))
        except SessionError as problem:
            raise Unreadable(f"the session {name}: {problem}") from problem
        if listed[name]:
            raise Unreadable(f"the session {name} is listed with a problem: {listed[name]}")
        if found not in states:
            raise Lost(f"the session {name} says {found}, and not {states}")
        return found
