"""The emulated board: QEMU with its serial line on a PTY.

As a command it prints the PTY's path, and runs until Ctrl-C.
"""

import argparse
import re
import subprocess

from command import ToolError, run, start

# The program, its Debian package, and what the machine wants beyond its name.
MACHINES = {
    "mps2-an385": ("qemu-system-arm", "qemu-system-arm", ["-nic", "user,model=lan9118"]),
    "virt": ("qemu-system-riscv32", "qemu-system-misc", ["-bios", "none"]),
}


class Emulator:
    """A running board; `port` is the path of its serial line.

    `firmware` is the path of an ELF file, for a `machine` of MACHINES. `icount` counts
    instructions instead of time: the board's clock then moves 16 ns an instruction, whatever
    the host does. `options` are more of QEMU's. `forward`: a port of this host, and the port of
    the board that is reached there. QEMU ends with the context, and with this process, however
    that ends. Raises ToolError.
    """

    def __init__(self, firmware, icount=False, machine="mps2-an385", options=(), forward=None):
        qemu, package, own = MACHINES[machine]
        command = [qemu, "-machine", machine, "-nographic", "-monitor", "null"]
        command += ["-semihosting", "-serial", "pty", "-kernel", firmware]
        command += [*own, *options]
        if forward:
            here, there = forward
            command[command.index("-nic") + 1] += f",hostfwd=tcp:127.0.0.1:{here}-:{there}"
        if icount:
            command += ["-icount", "shift=4,sleep=on"]
        self._process = start(package, command, stdout=subprocess.PIPE)
        said = b""
        for line in self._process.stdout:
            said += line
            found = re.search(rb"redirected to (\S+)", line)
            if found:
                self.port = found[1].decode()
                return
        raise ToolError(f"{qemu} does not start: {said.decode().strip()}")

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
    run(main)
