"""Where sessions are kept across sleep and reboot.

Another storage is any object with `load()`, which returns what was saved or None, and
`save(data)`; see lib/README.md.
"""

from . import _Buffer, _Storage

class File:
    """A file, replaced as a whole: a power cut at any time leaves the old or the new one."""

    plaintext: bool
    interval: int
    clock_survives: bool
    def __init__(self, path: str, plaintext: bool = False, interval: int = 60) -> None:
        """`plaintext`: take what is not sealed. `interval`: seconds between two saves."""

    def load(self) -> bytearray | None: ...
    def save(self, data: _Buffer) -> None: ...

class NVS:
    """A blob in the non-volatile storage of an ESP32."""

    plaintext: bool
    interval: int
    capacity: int
    clock_survives: bool
    def __init__(
        self,
        namespace: str = "tlsresume",
        plaintext: bool = False,
        interval: int = 60,
        capacity: int = 1984,
    ) -> None:
        """`namespace` of at most 15 characters; `capacity` in bytes: a page of NVS holds 1984."""

    def load(self) -> bytearray | None: ...
    def save(self, data: _Buffer) -> None: ...

class RTCMemory:
    """`machine.RTC().memory()`, which survives deep sleep, and dies with the power."""

    plaintext: bool
    interval: int
    capacity: int
    clock_survives: bool
    def __init__(self, capacity: int = 2048) -> None:
        """`capacity` in bytes of the board's RTC memory: 2048 on ESP32."""

    def load(self) -> bytearray | None: ...
    def save(self, data: _Buffer) -> None:
        """Raises OSError where somebody else's data are, and leaves them alone."""

class RTCKey(RTCMemory):
    """A random key that lives in the RTC memory alone: what it seals dies with the power."""

    def key(self) -> bytes:
        """32 bytes, drawn at the first call after a power-up. Raises OSError where the RTC memory
        is in use by another program."""

class Sealed:
    """Another storage, sealed by AES-256-GCM: what it holds tells nothing without the key."""

    plaintext: bool
    def __init__(self, storage: _Storage, key: _Buffer | RTCKey, pad: int = 256) -> None:
        """`key`: 32 bytes, or an RTCKey. `pad`: the length is a multiple of it. Raises ValueError,
        TypeError."""

    def bind(self, context: bytes) -> None: ...
    def load(self) -> bytearray | None:
        """Raises ValueError for what does not open."""

    def save(self, data: _Buffer) -> None: ...
