"""A board whose scripts find what prelude.py defines."""

from board import Board, Silent, host_address
from prelude import PRELUDE


class BoardUnderTest(Board):
    """Of an emulated one, `gaps` tells what the emulator does otherwise than the board."""

    def prepare(self, emulator, wifi, host, ca):
        self.emulator = emulator
        self.gaps = emulator.machine.gaps if emulator else frozenset()
        self.switched = 0  # off and on, since it was silent
        self._wanted = wifi, host, ca

    def restart(self):
        """Soft reset, and onto the network again."""
        try:
            self._restart()
        except Silent as e:
            if not self.switch(e):
                raise
            self._restart()

    def _restart(self):
        wifi, host, ca = self._wanted
        self.soft_reset()
        address = self.connect(wifi)
        self.execute(PRELUDE, HOST=host or host_address(address), CA=ca)

    def switch(self, why):
        """Switch a silent board off and on, if its emulator is known for that. Whether it did."""
        if "ethernet" not in self.gaps:
            return False
        print(f"{why}; the emulator starts anew")
        self.switched += 1
        self.emulator.restart()
        self.reopen(self.emulator.port)
        return True

    def sleep(self, ms):
        """Deep sleep for `ms`; where the emulator does not wake up from it, a reset."""
        if "wake-up" in self.gaps:
            self.reset()
        else:
            self.reset(f"import machine\nmachine.deepsleep({ms})")
