"""What the pure parts of lib/tlsresume use and CPython lacks."""

import sys
import time
import types

_PERIOD = 1 << 30

if not hasattr(time, "ticks_ms"):
    time.ticks_ms = lambda: int(time.monotonic() * 1000) % _PERIOD
    time.ticks_add = lambda ticks, delta: (ticks + delta) % _PERIOD

sys.modules["micropython"] = types.ModuleType("micropython")
sys.modules["micropython"].const = lambda value: value
