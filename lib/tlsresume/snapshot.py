"""The sessions of a cache as bytes, to keep across sleep and reboot.

Head: magic, version, length of the whole, a hash of what follows it, when it was written, the
version of Mbed TLS, the number of sessions. Then the vhost, the fingerprints that occur, and
the sessions, most recently used first. What comes after the length is padding.
"""

import struct
import time
from hashlib import sha256

try:
    from _tlsresume import MBEDTLS_VERSION_NUMBER, parse, wipe  # type: ignore
except ImportError:
    from .entry import wipe

    MBEDTLS_VERSION_NUMBER = 0

    def parse(packed):
        """Where there is no Mbed TLS, nothing can be said against a session."""


_MAGIC = b"tlsr"
_VERSION = 1
_HEAD = ">4sBI8s"
_HEAD_LEN = 17
_META = ">IIHBB"  # written, Mbed TLS, sessions, fingerprints, length of the vhost
_META_LEN = 12
_ITEM = ">BBHIIBH"  # fingerprint, length of host, port or 0, age, left, once, length
_ITEM_LEN = 15
_FINGERPRINT_LEN = 32
_CEILING = 7 * 86400  # s, RFC 8446 4.6.1; put's own for what is not for one use
_YEAR = 2024  # a clock that says less was never set


def dump(cache, limit=None, host=None, port=None):
    """The sessions of `cache` as a new bytearray, which is a secret: wipe it.

    The most recently used that fit into `limit` bytes (65,535); those for `host` (in lower case,
    and `port`) alone where it is given. A session that was earned with a verify callback is
    left out: the callback does not survive.
    """
    room = 0xFFFF if limit is None else limit
    vhost = cache.vhost.encode()
    fingerprints = []
    size = _HEAD_LEN + _META_LEN + len(vhost)
    for item in _fitting(cache, room - size, fingerprints, host, port):
        size += _ITEM_LEN + len(item[1].encode()) + len(item[3])
    size += _FINGERPRINT_LEN * len(fingerprints)
    out = bytearray(size)
    at = _put(out, _HEAD_LEN + _META_LEN, vhost)
    for fingerprint in fingerprints:
        at = _put(out, at, fingerprint)
    count = 0
    again = list(fingerprints)
    for fingerprint, name, number, session, age, left, once in _fitting(
        cache, size - at, again, host, port
    ):
        name = name.encode()
        head = fingerprints.index(fingerprint), len(name), number or 0, age, left, once
        struct.pack_into(_ITEM, out, at, *head, len(session))
        at = _put(out, _put(out, at + _ITEM_LEN, name), session)
        count += 1
    meta = now(), MBEDTLS_VERSION_NUMBER, count, len(fingerprints), len(vhost)
    struct.pack_into(_META, out, _HEAD_LEN, *meta)
    struct.pack_into(_HEAD, out, 0, _MAGIC, _VERSION, size, _digest(out, size))
    return out


def load(cache, data, slept):
    """Put the sessions in `data` into `cache`, `slept` seconds older than they were.

    Returns how many they are. Raises ValueError, nothing changed, for what is no snapshot of
    this firmware and vhost.
    """
    _check(data)
    _, mbedtls, count, number, length = struct.unpack_from(_META, data, _HEAD_LEN)
    at = _HEAD_LEN + _META_LEN
    if mbedtls != MBEDTLS_VERSION_NUMBER or bytes(data[at : at + length]) != cache.vhost.encode():
        raise ValueError("the snapshot is another firmware's or vhost's")
    fingerprints = at + length
    items = _items(data, fingerprints + _FINGERPRINT_LEN * number, count, number)
    # Least recently used first: each put makes its session the most recent.
    for at in reversed(items):
        index, length, port, age, left, once, _ = struct.unpack_from(_ITEM, data, at)
        where = fingerprints + _FINGERPRINT_LEN * index
        session = _session(data, at)
        try:
            cache.put(
                _host(data, at, length),
                port or None,
                session,
                age + left,
                bytes(data[where : where + _FINGERPRINT_LEN]),
                once=bool(once),
                age=age + slept,
                **({"ceiling": _CEILING} if once else {}),
            )
        finally:
            wipe(session)
    return len(items)


def slept(data, clock_survives=False):
    """Seconds since `data` was written; None as long as the clock is not set.

    `clock_survives`: the clock ran on for as long as the data were kept. Raises ValueError
    where the age cannot be known: no snapshot, a clock that was not set when it was written
    or that has been set back since.
    """
    _check(data)
    written = struct.unpack_from(">I", data, _HEAD_LEN)[0]
    today = now()
    if clock_survives and today >= written:
        return today - written
    if not clock_is_set(today):
        return None
    if today < written or not clock_is_set(written):
        raise ValueError("the age of the snapshot is not known")
    return today - written


def now():
    """The wall clock, which sleeps with the board or does not: s since the port's epoch."""
    return int(time.time())


def clock_is_set(seconds):
    return time.gmtime(seconds)[0] >= _YEAR


def context(vhost):
    """What a sealed snapshot is bound to (bytes)."""
    return struct.pack(">BI", _VERSION, MBEDTLS_VERSION_NUMBER) + vhost.encode()


def _fitting(cache, room, fingerprints, host, port):
    """The sessions that fit into `room`; their fingerprints are added to the list."""
    for item in cache.sessions():
        fingerprint, name, number, session = item[:4]
        if not isinstance(fingerprint, bytes) or len(fingerprint) != _FINGERPRINT_LEN:
            continue
        if host is not None and (name != host or port is not None and number != port):
            continue
        length = len(name.encode())
        if length > 255:
            continue
        new = fingerprint not in fingerprints
        need = _ITEM_LEN + length + len(session) + _FINGERPRINT_LEN * new
        if need <= room and len(fingerprints) + new < 256:
            if new:
                fingerprints.append(fingerprint)
            room -= need
            yield item


def _check(data):
    if len(data) < _HEAD_LEN + _META_LEN:
        raise ValueError("the snapshot is truncated")
    magic, version, size, digest = struct.unpack_from(_HEAD, data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("no snapshot of this version")
    if not _HEAD_LEN + _META_LEN <= size <= len(data) or digest != _digest(data, size):
        raise ValueError("the snapshot is damaged")


def _items(data, at, count, number):
    """Where each session is; all are checked before the first is used."""
    size = struct.unpack_from(">I", data, 5)[0]
    found = []
    for _ in range(count):
        if at + _ITEM_LEN > size:
            raise ValueError("the snapshot is damaged")
        index, name, _, _, _, _, length = struct.unpack_from(_ITEM, data, at)
        end = at + _ITEM_LEN + name + length
        if index >= number or end > size:
            raise ValueError("the snapshot is damaged")
        _host(data, at, name)
        session = _session(data, at)
        try:
            parse(session)
        finally:
            wipe(session)
        found.append(at)
        at = end
    return found


def _host(data, at, length):
    """Raises UnicodeError, a ValueError, for what is no text."""
    at += _ITEM_LEN
    return bytes(data[at : at + length]).decode()


def _session(data, at):
    _, name, _, _, _, _, length = struct.unpack_from(_ITEM, data, at)
    at += _ITEM_LEN + name
    return bytearray(memoryview(data)[at : at + length])


def _put(out, at, data):
    out[at : at + len(data)] = data
    return at + len(data)


def _digest(data, size):
    return sha256(memoryview(data)[_HEAD_LEN:size]).digest()[:8]
