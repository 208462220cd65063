"""Count the instructions of a MicroPython script: callgrind, which no load can disturb."""

import subprocess
import tempfile
from pathlib import Path


def count(firmware, script, repeat):
    """Instructions that one run of `repeat` takes in `script`, on the unix port.

    `script` runs once, `repeat` 3 and then 13 times in a process of its own each; the start,
    and what is done only once, cancel out. Raises RuntimeError with the script's own error,
    FileNotFoundError where valgrind is not installed.
    """
    few, many = (_total(firmware, _program(script, repeat, n)) for n in (3, 13))
    return (many - few) / 10


def _program(script, repeat, times):
    body = "\n".join("    " + line for line in repeat.strip().splitlines())
    return f"{script}\nfor _ in range({times}):\n{body}\n"


def _total(firmware, program):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command += [str(firmware), "-X", "heapsize=64M", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        for line in out.read_text().splitlines():
            if line.startswith(("summary:", "totals:")):
                return int(line.split()[1])
    raise RuntimeError("callgrind gave no total")
