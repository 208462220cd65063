"""Check the types of lib/ against MicroPython's own modules, on unix and on ESP32; and that its
stubs tell right from wrong, by host_tests/typing."""

import argparse
import json
import shutil
import subprocess
import sys

import sources
from command import ToolError, run
from libraries import libraries
from progress import progress

STUBS = {
    "unix": "micropython-unix-stubs==1.26.0.post1",
    "esp32": "micropython-esp32-stubs==1.26.0.post1",
}
RULES = {
    "typeCheckingMode": "standard",
    "pythonVersion": "3.11",
    "reportMissingModuleSource": False,
}


def stubs(port):
    """The folder (a Path) with the stubs of a port, installed if need be. Raises ToolError."""
    folder = sources.BUILD / "stubs" / port
    stamp = folder / "stamp"
    if not (stamp.exists() and stamp.read_text() == STUBS[port]):
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
        with progress(f"fetching {STUBS[port]}"):
            command = [*pip, "--target", str(folder), STUBS[port]]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:]
            raise ToolError(
                f"pip cannot fetch {STUBS[port]}: is there no network? {''.join(said)}"
            )
        stamp.write_text(STUBS[port])
    return folder


def check(port):
    """Run basedpyright with a port's stubs; returns its exit code."""
    folder = stubs(port)
    lib = sources.ROOT / "lib"
    esp32_alone = [lib / "tlsresume" / "store.py", lib / "examples" / "with_deep_sleep.py"]
    ignored = [] if port == "esp32" else [*map(str, esp32_alone)]
    checked = [lib / "tlsresume", lib / "examples", sources.ROOT / "host_tests" / "typing"]
    config = folder / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                **RULES,
                "include": [*map(str, checked)],
                "exclude": ignored,
                "extraPaths": [str(lib), str(libraries())],
                "stubPath": str(folder),
                "typeshedPath": str(folder),
            }
        )
    )
    return subprocess.run(
        ["build/venv/bin/basedpyright", "-p", config], cwd=sources.ROOT
    ).returncode


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.exit(max(check(port) for port in STUBS))


if __name__ == "__main__":
    run(main)
