"""The unit tests of the pure modules, once more on MicroPython."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PORTABLE = ("test_clock", "test_cache", "test_entry", "test_lock", "test_pem", "test_snapshot")

RUNNER = """
import sys
sys.path.append({folder!r})
module = __import__({name!r})
ran = 0
for name in dir(module):
    if name.startswith("test_"):
        print(name)
        getattr(module, name)()
        ran += 1
print("ran", ran)
"""


@pytest.mark.parametrize("name", PORTABLE)
def test_it_passes_on_micropython(micropython, name):
    script = RUNNER.format(folder=str(HERE), name=name)
    done = subprocess.run([str(micropython), "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = sum(line.startswith("def test_") for line in (HERE / f"{name}.py").open())
    assert done.stdout.splitlines()[-1] == f"ran {expected}"
