"""Count the instructions of a program: callgrind, which no load can disturb."""

import subprocess
import tempfile
from pathlib import Path


def count(firmware, script, repeat):
    """Instructions that one run of `repeat` takes in `script`, on the unix port.

    `script` runs once, `repeat` 3 and then 13 times in a process of its own each; the start,
    and what is done only once, cancel out. Raises RuntimeError with the script's own error,
    FileNotFoundError where valgrind is not installed.
    """

    def command(times):
        body = "\n".join("    " + line for line in repeat.strip().splitlines())
        program = f"{script}\nfor _ in range({times}):\n{body}\n"
        return [str(firmware), "-X", "heapsize=64M", "-c", program]

    return count_command(command)


def count_command(command):
    """The same for a program: `command(times)` is its command line, a list."""
    few, many = (_total(command(times)) for times in (3, 13))
    return (many - few) / 10


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
