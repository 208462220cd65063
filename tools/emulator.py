"""The emulated board: QEMU with its serial line on a PTY.

As a command it prints the PTY's path and runs until Ctrl-C:  python tools/emulator.py
"""

import argparse
import re
import shutil
import subprocess
import sys


class EmulatorError(Exception):
    """Why QEMU does not run, and what to do."""


class Emulator:
    """A running QEMU_MPS2; `port` is the path of its serial line.

    `firmware` is the path of an ELF file. `icount` counts instructions instead of time: the
    board's clock then moves 16 ns an instruction, whatever the host does. QEMU ends with the
    context, and with this process, however that ends. Raises EmulatorError.
    """

    def __init__(self, firmware, icount=False, machine="mps2-an385", network=True):
        qemu = "qemu-system-arm"
        if not shutil.which(qemu):
            raise EmulatorError(f"{qemu} is missing: sudo apt-get install {qemu}")
        # setpriv, since QEMU would outlive a parent that is killed.
        command = ["setpriv", "--pdeathsig", "KILL", qemu]
        command += ["-machine", machine, "-nographic", "-monitor", "null"]
        command += ["-semihosting", "-serial", "pty", "-kernel", str(firmware)]
        if network:
            command += ["-nic", "user,model=lan9118"]
        if icount:
            command += ["-icount", "shift=4,sleep=on"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = b""
        for line in self._process.stdout:
            said += line
            found = re.search(rb"redirected to (\S+)", line)
            if found:
                self.port = found[1].decode()
                return
        raise EmulatorError(f"{qemu} does not start: {said.decode().strip()}")

    def close(self):
        self._process.kill()
        self._process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--icount", action="store_true", help="count instructions, not time")
    args = parser.parse_args()
    from build import build

    with Emulator(build("QEMU_MPS2"), args.icount) as emulator:
        print(f"{emulator.port}: mpremote connect {emulator.port}", flush=True)
        emulator._process.wait()


if __name__ == "__main__":
    try:
        main()
    except EmulatorError as e:
        sys.exit(f"emulator: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
