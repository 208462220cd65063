"""libFuzzer on what an attacker may write: a kept corpus, and with --long new inputs."""

import os
import subprocess
import zipfile
from pathlib import Path

import checked
import pytest

HERE = Path(__file__).parent
TARGETS = sorted(path.stem for path in (HERE / "corpus").glob("*.zip"))
LONG = 600  # s a target; short runs are the same each time


@pytest.fixture(scope="session")
def sanitized():
    return checked.sanitizers()


def fuzz(sanitized, folder, target, *arguments):
    """Run libFuzzer on the kept inputs, unpacked in `folder`, and in it."""
    with zipfile.ZipFile(HERE / "corpus" / f"{target}.zip") as kept:
        kept.extractall(folder / target)
    command = [sanitized, HERE / "fuzz_targets.py", target, *arguments, folder / target]
    # What a finding leaves behind: `fuzz_targets.py TARGET crash-...` shows it again.
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=quiet(), capture_output=True, text=True
    )


def quiet():
    """What MicroPython still holds at its end is no leak."""
    return {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_found_once_is_not_found_again(sanitized, tmp_path, target):
    done = fuzz(sanitized, tmp_path, target, "-runs=0")
    assert done.returncode == 0, done.stderr
    assert "Done" in done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_new_is_found(sanitized, tmp_path, target, pytestconfig):
    how = f"-max_total_time={LONG}" if pytestconfig.getoption("--long") else "-runs=1500"
    done = fuzz(sanitized, tmp_path, target, how, "-seed=1", "-timeout=20")
    assert done.returncode == 0, done.stderr


def test_the_fuzzer_sees_what_is_wrong(sanitized, tmp_path):
    script = """
import _fuzz
def target(data):
    assert data[:1] != b"!"
_fuzz.run(["target"], target)
"""
    done = subprocess.run(
        [str(sanitized), "-c", script], cwd=tmp_path, env=quiet(), capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "AssertionError" in done.stdout + done.stderr
