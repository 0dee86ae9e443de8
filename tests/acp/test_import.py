"""What importing the client costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_client_loads_neither_the_sdk_nor_models():
    """Names load when they are used; the SDK only when an agent is started."""
    code = "import superqode.acp, sys; before = set(sys.modules); superqode.acp.AcpAgent; print(*before); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    assert not {"acp", "pydantic"} & before
    assert "acp" not in after
