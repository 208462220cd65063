"""A board whose scripts find what prelude.py defines; of an emulated one, pytest's hooks for those
that fall silent."""

import pytest
from board import Board, Silent, host_address
from prelude import PRELUDE


class BoardUnderTest(Board):
    """Of an emulated one, `gaps` tells what the emulator does otherwise than the board."""

    switched = 0  # how often one was silent, and switched off and on

    def prepare(self, emulator, wifi, host, ca):
        self.emulator = emulator
        self.gaps = emulator.machine.gaps if emulator else frozenset()
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
        BoardUnderTest.switched += 1
        self.emulator.restart()
        self.reopen(self.emulator.port)
        return True

    def sleep(self, ms):
        """Deep sleep for `ms`; where the emulator does not wake up from it, a reset."""
        if "wake-up" in self.gaps:
            self.reset()
        else:
            self.reset(f"import machine\nmachine.deepsleep({ms})")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that finds its emulated board silent says so, and runs once more on a new one."""
    try:
        return (yield)
    except Silent as e:
        board = pyfuncitem.funcargs.get("board")
        if not board or not board.switch(e):
            raise
    board.restart()
    names = pyfuncitem._fixtureinfo.argnames
    pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    return True


def pytest_terminal_summary(terminalreporter):
    if switched := BoardUnderTest.switched:
        terminalreporter.write_line(f"an emulated board was silent, and started anew: {switched}")
