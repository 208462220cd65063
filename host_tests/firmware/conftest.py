"""Firmware that is built from the outside, as a user of upstream's ports does."""

import subprocess

import pytest
import sources


@pytest.fixture(scope="session")
def make(micropython):
    """Build a port of upstream's: `make(port, name, *variables)` gives the folder build/`name`.

    `micropython` is asked for since it builds mpy-cross, too.
    """

    def make(port, name, *variables):
        out = sources.BUILD / name
        out.mkdir(parents=True, exist_ok=True)
        folder = sources.micropython() / "ports" / port
        command = ["make", "-j2", "-C", folder, f"BUILD={out}", *variables]
        done = subprocess.run(command, env=sources.environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return out

    return make
