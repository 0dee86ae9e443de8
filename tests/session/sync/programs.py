"""Random programs on three stores and one remote, and the model of what must never be gone.

The model knows what was acknowledged: each message's text, each snapshot, and what was purged on purpose. It knows
nothing of how stores are brought together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from session.sync.circle import Machine, git
from superqode.session import Session
from superqode.session.errors import NothingToRedo, NothingToUndo

# What a purge may take along: a text that only purged commits hold.
KINDS = (
    *("say",) * 8,
    *("create",) * 3,
    *("fork", "snapshot", "delete", "undelete", "restore", "undo", "title", "rename", "purge", "scrub", "scrub"),
    *("sync",) * 5,
)
# Sessions that all machines begin with.
_SHARED = 3


class Program:
    """One random program.

    Args:
        seed: what it is made of.
        machines: three machines, synced.
        cut: runs a sync on a broken network; `None` without one.
        kills: how many syncs may be killed.
        plain: whether the remote is in clear.
    """

    kinds = KINDS

    def __init__(
        self,
        seed: int,
        machines: list[Machine],
        cut: Callable[[Machine, int], None] | None = None,
        kills: int = 0,
        *,
        plain: bool = False,
    ) -> None:
        self.plain = plain
        self.random = random.Random(seed)
        self.machines = machines
        self.cut = cut
        self.kills = kills
        self.count = 0
        self.said: dict[str, str] = {}
        self.snapshots: dict[str, str] = {}
        self.scrubbed: set[str] = set()
        self.log: list[str] = []
        self.problems: list[str] = []

    def run(self, steps: int) -> None:
        """Take so many steps, from some sessions that all machines have."""
        for number in range(_SHARED):
            word = self._word()
            self.machines[0].say(f"hot-{number}", word)
            self.said[word] = f"hot-{number}"
        for machine in self.machines:
            machine.sync()
        for _ in range(steps):
            kind = self.random.choice(self.kinds)
            machine = self.random.choice(self.machines)
            self.log.append(f"{machine.path.name} {kind}")
            getattr(self, kind)(machine)

    def _some(self, machine: Machine) -> str | None:
        names = machine.ids()
        # Mostly one of a few: machines that never meet in a session show nothing.
        hot = [name for name in names if name.startswith("hot-")]
        return self.random.choice(hot if hot and self.random.random() < 0.7 else names) if names else None

    def _word(self) -> str:
        self.count += 1
        return f"word-{self.count:05d}-{self.random.randrange(10**6):06d}"

    # -- what people do -------------------------------------------------------------------------------------------

    def create(self, machine: Machine) -> None:
        """A new session; now and then under an id that another machine may take as well."""
        word = self._word()
        # Few ids of people's own: so two machines make the same one without knowing of each other.
        name = f"shared-{self.random.randrange(4)}" if self.random.random() < 0.3 else f"s{self.count}"
        if machine.store.exists(name):
            return
        session = Session(id=name, title=f"about {word}")
        session.add_message("user", word)
        machine.store.save(session)
        self.said[word] = name

    def say(self, machine: Machine) -> None:
        """One more message."""
        name = self._some(machine)
        if name is not None:
            word = self._word()
            machine.say(name, word)
            self.said[word] = name

    def title(self, machine: Machine) -> None:
        """Another title."""
        name = self._some(machine)
        if name is not None:
            session = machine.store.load(name)
            session.title = f"title {self._word()}"
            machine.store.save(session)

    def fork(self, machine: Machine) -> None:
        """A branch off."""
        name = self._some(machine)
        if name is not None:
            machine.store.fork(name, title="fork", new_id=f"f{self.count}-{self.random.randrange(10**6)}")

    def snapshot(self, machine: Machine) -> None:
        """A snapshot."""
        name = self._some(machine)
        if name is not None:
            made = machine.snapshot(name, self._word())
            self.snapshots[made] = name

    def restore(self, machine: Machine) -> None:
        """Back to a snapshot."""
        name = self._some(machine)
        if name is not None:
            found = machine.store.load(name).snapshots
            if found:
                machine.store.restore(name, self.random.choice(found).id)

    def undo(self, machine: Machine) -> None:
        """Back one save, or forth."""
        name = self._some(machine)
        if name is not None:
            try:
                self.random.choice((machine.store.undo, machine.store.redo))(name)
            except (NothingToUndo, NothingToRedo):
                return

    def delete(self, machine: Machine) -> None:
        """Into the trash."""
        name = self._some(machine)
        if name is not None:
            machine.store.delete(name)

    def undelete(self, machine: Machine) -> None:
        """Out of it."""
        items = machine.store.trash()
        if items:
            item = self.random.choice(items)
            if not machine.store.exists(item.session_id):
                machine.store.undelete(item.key)

    def rename(self, machine: Machine) -> None:
        """Another id."""
        name = self._some(machine)
        if name is not None:
            machine.store.rename(name, f"r{self.count}-{self.random.randrange(10**6)}")
            self.log[-1] += f" {name}"

    def purge(self, machine: Machine) -> None:
        """Forget an item of the trash for good; what only it holds may be gone from then on."""
        items = machine.store.trash()
        if not items:
            return
        item = self.random.choice(items)
        gone = git(machine.path, "log", "-p", "--format=", item.tip)
        self.said = {word: name for word, name in self.said.items() if word not in gone}
        self.snapshots = {made: name for made, name in self.snapshots.items() if made not in item.snapshots}
        machine.store.purge(item.key)

    def scrub(self, machine: Machine) -> None:
        """Take a word out of a session; it has to be gone everywhere from then on."""
        name = self._some(machine)
        words = [word for word in self.said if name and word in " ".join(machine.heard(name))]
        if name is None or not words:
            return
        word = self.random.choice(words)
        machine.store.scrub(name, secrets=[word])
        del self.said[word]
        self.scrubbed.add(word)
        self.log[-1] += f" {word} of {name}"

    # -- syncing ----------------------------------------------------------------------------------------------------

    def sync(self, machine: Machine) -> None:
        """Sync; now and then it is killed, or the network breaks."""
        dice = self.random.random()
        if self.kills and dice < 0.35:
            self.kills -= 1
            self.kill(machine, self.random.random() * 0.35)
        elif self.cut is not None and dice < 0.6:
            self.cut(machine, self.random.choice((0, 200, 700, 1500, 4000)))
        else:
            self.whole(machine)

    def whole(self, machine: Machine) -> None:
        """A sync that nothing happens to."""
        machine.sync()

    def kill(self, machine: Machine, after: float) -> None:
        """A sync that dies after so many seconds, as by kill -9."""
        worker = machine.worker()
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
        time.sleep(after)
        worker.kill()
        worker.wait()
        told = worker.stdout.read()
        assert told in ("", "done\n", "SyncContended\n"), told
        worker.stdin.close()
        worker.stdout.close()
        self.log[-1] += f" killed after {after:.3f} {told.strip()}"

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """All stores are equal and sound, and nothing that was acknowledged is gone."""
        for _ in range(6):
            reports = [machine.sync() for machine in self.machines]
            if not any(report.received.any or report.sent.any for report in reports):
                break
        views = [machine.view(plain=self.plain) for machine in self.machines]
        assert views[0] == views[1] == views[2], self.told()
        assert not any(report.received.any or report.sent.any for report in reports), (reports, self.told())
        for machine in self.machines:
            git(machine.path, "fsck", "--strict", "--full", "--no-dangling")
            told = held(machine.path)
            lost = sorted(word for word in self.said if word not in told)
            assert lost == [], (lost, self.told())
            names = {name.rpartition("/")[2] for name in machine.view() if "tags/" in name}
            everything = git(machine.path, "cat-file", "--batch-all-objects", "--batch", "--unordered")
            back = sorted(word for word in self.scrubbed if word in everything)
            assert back == [], (back, self.told())
            assert set(self.snapshots) - names == set(), (set(self.snapshots) - names, self.told())
            for name in machine.ids():
                machine.store.load(name)

        if self.plain:
            on_remote = held(Path(self.machines[0].remote))
            assert [word for word in self.scrubbed if word in on_remote] == [], self.told()

    def told(self) -> str:
        """The program, to be read where it went wrong."""
        return "\n".join(self.log)


def held(path: Path) -> str:
    """The text of all that sessions and trash of a store reach."""
    names = git(path, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags", "refs/superqode/trash").split()
    listed = git(path, "rev-list", "--objects", "--no-object-names", *names) if names else ""
    return git(path, "cat-file", "--batch", stdin=listed.encode())
