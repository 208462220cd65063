"""What the commands have in common: errors in one line, Ctrl-C, no server that is left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps servers


class ToolError(Exception):
    """What is wrong, and what to do about it."""


class Missing(ToolError):
    """A program that is not installed."""


def run(main):
    """Call `main()`, and exit with what became of it: a ToolError in one line, Ctrl-C as 130."""
    try:
        main()
    except ToolError as e:
        sys.exit(f"{Path(sys.argv[0]).stem}: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


def start(package, command, **kwargs):
    """A Popen of `command` (a list) that ends with this process, however that ends.

    Raises Missing where the program is not installed: it is in Debian's `package`.
    """
    program = find(package, command[0])
    # The kernel tells it: a parent that is killed cannot.
    command = ["setpriv", "--pdeathsig", "TERM", program, *map(str, command[1:])]
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, stderr=subprocess.STDOUT, **kwargs)


def find(package, program):
    """The path of a program in Debian's `package`. Raises Missing."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:{SBIN}")
    if not path:
        raise Missing(f"{program} is missing: sudo apt-get install {package}")
    return path
