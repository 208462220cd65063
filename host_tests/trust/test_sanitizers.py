"""The tests of the unix port once more, where a checker looks at every access to memory."""

import subprocess
import sys
from pathlib import Path

import checked
import pytest

UNIX = Path(__file__).parent.parent / "unix"

# What make test has the time for; with --long it is all of them.
PART = ("test_resumption.py", "test_sessions.py", "test_tickets.py", "test_harvest.py")


def run_checked(checker, *paths):
    """Run these tests under the checker, as `pytest --checked` does."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--checked", checker]
        + [str(path) for path in paths],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("checker", checked.CHECKERS)
def test_the_unix_tests_pass_under_a_checker(checker, pytestconfig):
    if pytestconfig.getoption("--long"):
        run_checked(checker, UNIX)
    elif checker == "sanitizers":
        run_checked(checker, *(UNIX / name for name in PART))
    else:
        run_checked(checker, UNIX / "test_sessions.py")


FREED = """
import ffi, uctypes
libc = ffi.open(None)
where = libc.func("P", "malloc", "L")(16)
libc.func("v", "free", "P")(where)
print(uctypes.bytearray_at(where, 16)[0])
"""


@pytest.mark.parametrize("checker", checked.CHECKERS)
def test_a_checker_sees_what_is_wrong(checker):
    firmware = checked.CHECKERS[checker]()
    done = subprocess.run([str(firmware), "-c", FREED], capture_output=True, text=True)
    assert done.returncode != 0
    assert "heap-use-after-free" in done.stderr or "Invalid read" in done.stderr
