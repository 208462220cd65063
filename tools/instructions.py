"""Count the instructions of a program: callgrind, which no load can disturb."""

import subprocess
import tempfile
from pathlib import Path


def count(firmware, script, repeat, times=(3, 13)):
    """Instructions that one run of `repeat` takes in `script`, on the unix port.

    `script` runs once, `repeat` as often as `times` says, in a process of its own each; the
    start, and what is done only once, cancel out. Raises RuntimeError with the script's own error,
    FileNotFoundError where valgrind is not installed.
    """

    def command(times):
        body = "\n".join("    " + line for line in repeat.strip().splitlines())
        program = f"{script}\nfor _ in range({times}):\n{body}\n"
        return [str(firmware), "-X", "heapsize=64M", "-c", program]

    return count_command(command, times)


def count_command(command, times=(3, 13)):
    """The same for a program: `command(n)` is its command line, a list."""
    few, many = times
    return (_total(command(many)) - _total(command(few))) / (many - few)


def _total(command):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        done = subprocess.run([*valgrind, *command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        for line in out.read_text().splitlines():
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    raise RuntimeError("callgrind gave no total")
