"""Runs what others have made, in their own environment, as their users do."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"


def peer(script, *arguments, **environment):
    """What a script prints under the peers' Python, as JSON; the test fails with its words if it fails."""
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script, *arguments], capture_output=True, text=True, check=False,
        env=os.environ | {"DO_NOT_TRACK": "1"} | environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout or "null")
