"""Where sessions are kept across sleep and reboot.

A storage has `load()`, which returns what was saved (bytes-like) or None, and `save(data)`;
both may raise, and both buffers are wiped afterwards: keep a copy. It may also have `capacity`
(bytes), `interval` (s between two saves, 60), `clock_survives` (the clock runs on as long as the
data are kept), `plaintext` (False: it takes nothing but what is sealed) and `bind(context)` (bytes
to authenticate along with the data).
By hand, for one host too: `tlsresume.snapshot.dump` and `load`.
"""

import os
import uctypes

from .harvest import _tlsresume

_NONCE = 12
_TAG = 16


class File:
    """A file, replaced as a whole: a power cut at any time leaves the old or the new one."""

    clock_survives = False

    def __init__(self, path, plaintext=False, interval=60):
        """`path` of the file; `plaintext`: take sessions that are not sealed."""
        self.plaintext = plaintext
        self.interval = interval
        self._path = path
        self._aside = path + ".new"

    def load(self):
        for path in (self._path, self._aside):
            try:
                with open(path, "rb") as f:
                    data = bytearray(os.stat(path)[6])
                    return data if f.readinto(data) == len(data) else None
            except OSError:
                pass  # where there is none yet, or the cut came between remove and rename
        return None

    def save(self, data):
        try:
            os.stat(self._path)
        except OSError:
            _attempt(os.rename, self._aside, self._path)  # a cut came between remove and rename
        try:
            with open(self._aside, "wb") as f:
                f.write(data)
                f.flush()
        except OSError:
            _attempt(os.remove, self._aside)  # it may be what a full flash has no room for
            raise
        if hasattr(os, "sync"):
            os.sync()
        try:
            os.rename(self._aside, self._path)
        except OSError:
            os.remove(self._path)  # where no rename replaces a file
            os.rename(self._aside, self._path)


class NVS:
    """A blob in the non-volatile storage of an ESP32."""

    clock_survives = False

    def __init__(self, namespace="tlsresume", plaintext=False, interval=60, capacity=1984):
        """`namespace` of at most 15 characters; `capacity` in bytes: a page of NVS holds 1984."""
        import esp32

        self.plaintext = plaintext
        self.interval = interval
        self.capacity = capacity
        self._nvs = esp32.NVS(namespace)

    def load(self):
        data = bytearray(self.capacity)
        try:
            length = self._nvs.get_blob("sessions", data)
        except OSError:
            return None  # nothing there
        return _cut(data, 0, length)

    def save(self, data):
        self._nvs.set_blob("sessions", data)
        self._nvs.commit()


class RTCMemory:
    """`machine.RTC().memory()`, which survives deep sleep, and dies with the power."""

    plaintext = True
    clock_survives = True
    interval = 0
    _MARK = b"tls\x01"

    def __init__(self, capacity=2048):
        """`capacity` in bytes of the board's RTC memory: 2048 on ESP32."""
        import machine

        self._rtc = machine.RTC()
        self.capacity = capacity - len(self._MARK)

    def load(self):
        data = self._read()
        return _cut(data, len(self._MARK), len(data)) if self._is_ours(data) else None

    def save(self, data):
        """Raises OSError where somebody else's data are, and leaves them alone."""
        there = self._read()
        if there and not self._is_ours(there):
            raise OSError("the RTC memory is in use by another program")
        out = bytearray(self._MARK)
        out.extend(data)
        _tlsresume.wipe(memoryview(there)[len(self._MARK) :])
        if len(there) > len(out):
            self._rtc.memory(there)  # the board overwrites no more than it is given
        self._rtc.memory(out)
        _tlsresume.wipe(out)

    def _read(self):
        """A bytearray of what is there, which can be wiped: memory() gives bytes."""
        data = self._rtc.memory()
        copy = bytearray(data)
        _tlsresume.wipe(uctypes.bytearray_at(uctypes.addressof(data), len(data)))
        return copy

    def _is_ours(self, data):
        return data[: len(self._MARK)] == self._MARK


class RTCKey(RTCMemory):
    """A random key that lives in the RTC memory alone: what it seals dies with the power."""

    _MARK = b"key\x01"

    def key(self):
        """32 bytes, drawn at the first call after a power-up. Raises OSError where the RTC
        memory is in use by another program."""
        found = self.load()
        if found is not None and len(found) == 32:
            return bytes(found)
        key = os.urandom(32)
        self.save(key)
        return key


class Sealed:
    """Another storage, sealed by AES-256-GCM: what it holds tells nothing without the key.

    What was sealed with another key, for another vhost or by another firmware does not open.
    """

    plaintext = True

    def __init__(self, storage, key, pad=256):
        """`key`: 32 bytes, or an RTCKey. `pad`: the length is a multiple of it.

        Raises ValueError for a key or a padding that is none, TypeError for a key of no bytes.
        """
        self._key = key.key() if hasattr(key, "key") else bytes(memoryview(key))
        if len(self._key) != 32:
            raise ValueError("key must be 32 bytes")
        if pad < 1:
            raise ValueError("pad must be 1 or more")
        self._storage = storage
        self._pad = pad
        self._context = b""
        for name in ("interval", "clock_survives"):
            if hasattr(storage, name):
                setattr(self, name, getattr(storage, name))
        room = getattr(storage, "capacity", None)
        if room is not None:
            self.capacity = (room - _NONCE - _TAG) // pad * pad

    def bind(self, context):
        self._context = context

    def load(self):
        """Raises ValueError for what does not open."""
        sealed = self._storage.load()
        if sealed is None:
            return None
        sealed = memoryview(sealed)
        data = None
        if len(sealed) >= _NONCE + _TAG:
            nonce, sealed = sealed[:_NONCE], sealed[_NONCE:]
            data = _tlsresume.unseal(self._key, nonce, self._context, sealed)
        if data is None:
            raise ValueError("the sealed sessions do not open")
        return data

    def save(self, data):
        padded = bytearray((len(data) + self._pad - 1) // self._pad * self._pad)
        padded[: len(data)] = data
        nonce = os.urandom(_NONCE)
        try:
            self._storage.save(nonce + _tlsresume.seal(self._key, nonce, self._context, padded))
        finally:
            _tlsresume.wipe(padded)


def _attempt(function, *args):
    try:
        function(*args)
    except OSError:
        pass


def _cut(data, start, end):
    """A part of the bytearray `data`, which is wiped."""
    part = data[start:end]
    _tlsresume.wipe(data)
    return part
