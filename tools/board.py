"""A board on a serial line, real or emulated, by mpremote's own transport."""

import errno
import json
import os
import socket
from contextlib import contextmanager, redirect_stdout

import serial
from command import ToolError
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

NETWORK = """
import network, time
if SSID and hasattr(network, "WLAN"):
    nic = network.WLAN(network.STA_IF)
    nic.active(True)
    if not nic.isconnected():
        nic.connect(SSID, PASSWORD)
elif hasattr(network, "LAN"):
    nic = network.LAN()
    nic.active(True)
else:
    raise RuntimeError("the board's only network is Wi-Fi: name it")
for _ in range(300):
    if nic.isconnected():
        break
    time.sleep_ms(100)
print(nic.ifconfig()[0] if nic.isconnected() else "")
"""
SET_CLOCK = """
import machine, time
if time.gmtime()[0] < 2024:
    t = time.gmtime(NOW - (0 if time.gmtime(0)[0] == 1970 else 946684800))
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
"""


class BoardError(ToolError):
    """What is wrong with the board or its line, and what to do: one line."""


class Silent(BoardError):
    """The board does not answer any more."""


class Board:
    """A MicroPython board on the serial port `port`, in raw REPL.

    Raises BoardError where nothing answers there, the port is busy, missing or not permitted.
    """

    def __init__(self, port):
        self._enter(port)

    def _enter(self, port):
        self.port = port
        self._transport = _open(port)
        try:
            with redirect_stdout(None):  # mpremote prints what it reads instead of a prompt
                self._transport.enter_raw_repl(soft_reset=False)
        except TransportError:
            self._transport.close()
            raise BoardError(
                f"{port}: no MicroPython answers there. Is it the right port, and is the firmware"
                " on the board? make flash BOARD=... PORT=..."
            ) from None

    def execute(self, script, timeout=60, **variables):
        """Run `script` after setting `variables`; returns what it printed.

        Raises BoardError with the board's traceback, or after `timeout` seconds of silence.
        """
        given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
        try:
            out, error = self._transport.exec_raw(given + script, timeout=timeout)
        except (TransportError, serial.SerialException) as e:
            raise Silent(f"{self.port}: the board went silent ({e})") from None
        if error:
            raise BoardError(error.decode(errors="replace").strip())
        return out.decode(errors="replace")

    def run(self, script, timeout=60, **variables):
        """Run `script`; returns what it gave to `result(...)`, a dict."""
        out = self.execute(script, timeout, **variables)
        for line in out.splitlines():
            if line.startswith("RESULT "):
                return json.loads(line[len("RESULT ") :])
        raise BoardError(f"the script gave no result:\n{out}")

    def check(self):
        """The firmware's version. Raises BoardError where tlsresume is not in it."""
        try:
            text = self.execute(
                "import sys, tlsresume\nassert tlsresume.available\nprint(sys.version)"
            )
        except BoardError as e:
            raise BoardError(
                f"{self.port}: the firmware there has no tlsresume"
                f" ({str(e).splitlines()[-1]}). Flash one: make flash BOARD=... PORT={self.port}"
            ) from None
        return text.strip()

    @contextmanager
    def mount(self, folder):
        """Within the context `folder` of this host is the board's current folder."""
        self._transport.mount_local(str(folder))
        try:
            yield
        finally:
            self._transport.umount_local()

    def interrupt(self, script):
        """Start `script`, press Ctrl-C, and return the error that ended it."""
        self._transport.exec_raw_no_follow(script)
        self._transport.serial.write(b"\x03")
        return self._transport.follow(timeout=10)[1].decode()

    def soft_reset(self):
        """Start MicroPython anew, with an empty heap. Raises Silent."""
        try:
            self._transport.exit_raw_repl()
            self._transport.enter_raw_repl(soft_reset=True)
        except (TransportError, serial.SerialException) as e:
            raise Silent(f"{self.port}: the board went silent ({e})") from None

    def reopen(self, port):
        """Go on with a board that was switched off and on, on its serial port."""
        self._transport.close()
        self._enter(port)

    def reset(self, script="import machine\nmachine.reset()"):
        """Reset the chip, by `script`, and wait until MicroPython answers again."""
        self._transport.exec_raw_no_follow(script)
        for _ in range(60):
            try:
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=2)
                return
            except (TransportError, serial.SerialException):
                self._transport.close()
                self._transport = _open(self.port)
        raise Silent(f"{self.port}: the board did not come back after its reset")

    def connect(self, wifi=None):
        """Bring the network up: `wifi` (name, password), or Ethernet where it is None or the board
        has no Wi-Fi; returns the address."""
        import time

        self.execute(SET_CLOCK, NOW=int(time.time()))
        name, password = wifi or (None, None)
        address = self.execute(NETWORK, SSID=name, PASSWORD=password).strip()
        if not address:
            raise BoardError(f"{self.port}: the board gets no address from its network")
        return address

    def close(self):
        self._transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def host_address(board_address):
    """This host's address as a board with `board_address` sees it."""
    if board_address.startswith("10.0.2."):
        return "10.0.2.2"  # QEMU's user network
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((board_address, 9))  # sends nothing
        return s.getsockname()[0]


def check_line(port):
    """Raises BoardError where `port` is not there, busy or not permitted."""
    if not os.path.exists(port) and "://" not in port:
        raise BoardError(f"{port} is not there: plug the board in, or name another PORT")
    try:
        serial.Serial(port, 115200, exclusive=True).close()
    except serial.SerialException as e:
        raise BoardError(_why(port, e)) from None


def _open(port):
    check_line(port)  # mpremote's transport hides why a port does not open
    return SerialTransport(port)


def _why(port, e):
    if e.errno == errno.EACCES:
        return f"{port}: no permission. sudo usermod -aG dialout $USER, then log in again"
    if e.errno in (errno.EBUSY, errno.EAGAIN) or "lock" in str(e):
        return f"{port} is busy: close the program that has it open (mpremote, a monitor)"
    if e.errno == errno.EISDIR or "configure" in str(e):
        return f"{port} is no serial line: name the board's, such as /dev/ttyUSB0"
    return f"{port}: {e}"
