"""The files that opencode and Pi load: JavaScript that node takes, with the shim's path in it; another's file is left alone."""

import shutil
import subprocess

import pytest

from superqode.session.agents.plugins import OPENCODE, PI

SHIM = '/home/ann/it\'s "a" store/${x}/superqode-rescue'


@pytest.mark.parametrize("plugin", [OPENCODE, PI])
def test_our_file_is_made_and_goes(plugin):
    """Made of nothing or an older one of ours, known again, and gone afterwards."""
    text = plugin.added("", SHIM)
    assert plugin.added(text, SHIM) == text
    assert plugin.found(text) == [text]
    assert plugin.added(plugin.added("", "/older"), SHIM) == text
    assert (plugin.removed(text), plugin.found("")) == ("", [])


@pytest.mark.parametrize("plugin", [OPENCODE, PI])
def test_another_file_of_that_name_is_refused(plugin):
    """What somebody else wrote is neither replaced nor removed."""
    for edit in (plugin.found, plugin.removed, lambda text: plugin.added(text, SHIM)):
        with pytest.raises(ValueError, match="another file"):
            edit("export default 1\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_plugin_starts_the_shim_and_waits_for_nothing(tmp_path):
    """A turn's end starts it with the session's id; other events, and a shim that is not there, do nothing."""
    shim = tmp_path / "a 'b\" c" / "superqode-rescue"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\nprintf '%s|' \"$@\" >'{tmp_path}/part' && mv '{tmp_path}/part' '{tmp_path}/told'\n")
    shim.chmod(0o755)
    (tmp_path / "plugin.mjs").write_text(OPENCODE.added("", str(shim)))
    (tmp_path / "gone.mjs").write_text(OPENCODE.added("", "/nowhere/superqode-rescue"))
    (tmp_path / "run.mjs").write_text(
        """import { SuperqodeRescue as here } from "./plugin.mjs"
import { SuperqodeRescue as gone } from "./gone.mjs"
const idle = { event: { type: "session.idle", properties: { sessionID: "ses_1" } } }
await (await gone()).event(idle)
await (await here()).event({ event: { type: "message.updated" } })
await (await here()).event(idle)
"""
    )
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for _ in range(200):
        if (tmp_path / "told").exists():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert (tmp_path / "told").read_text() == 'opencode|{"session_id":"ses_1"}|'
