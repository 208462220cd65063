"""A board whose scripts find what prelude.py defines."""

from board import Board, host_address
from prelude import PRELUDE


class BoardUnderTest(Board):
    def prepare(self, emulated, wifi, host, ca):
        self.emulated = emulated
        self._wanted = wifi, host, ca

    def restart(self):
        """Soft reset, and onto the network again."""
        wifi, host, ca = self._wanted
        self.soft_reset()
        address = self.connect(wifi)
        self.execute(PRELUDE, HOST=host or host_address(address), CA=ca)
