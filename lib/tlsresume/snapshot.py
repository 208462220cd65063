"""The sessions of a cache as bytes, to keep across sleep and reboot.

Head: magic, version, length of the whole, a hash of what follows it, when it was written, the
version of Mbed TLS, the number of sessions. Then the vhost, the fingerprints that occur, and
the sessions, most recently used first; one of no length is a note of what speaks against offers.
What comes after the length is padding.
"""

import struct
import time
from hashlib import sha256
from micropython import const

from .clock import clock_is_set
from .entry import wipe
from .lock import lock

try:
    from _tlsresume import MBEDTLS_VERSION_NUMBER, parse  # type: ignore
except ImportError:
    MBEDTLS_VERSION_NUMBER = 0

    def parse(packed):
        """Where there is no Mbed TLS, nothing can be said against a session."""


_MAGIC = const(b"tlsr")
_VERSION = const(2)
_HEAD = const(">4sBI8s")
_HEAD_LEN = const(17)
_META = const(">IIHBB")  # written, Mbed TLS, sessions, fingerprints, length of the vhost
_META_LEN = const(12)
# Fingerprint, length of host, port or 0, age, left, proof, once, length.
_ITEM = const(">BBHIIIBH")
_ITEM_LEN = const(19)
_FINGERPRINT_LEN = const(32)
_CEILING = const(86400)  # s, RFC 5246 F.1.4
_CEILING_ONCE = const(7 * 86400)  # s, RFC 8446 4.6.1


def dump(cache, limit=None, host=None, port=None):
    """The sessions of `cache` as a new bytearray, which is a secret: wipe it.

    The most recently used that fit into `limit` bytes (65,535); those for `host` (in lower case,
    and `port`) alone where it is given. A session that was earned with a callback is left out:
    the callback does not survive. Raises RuntimeError in a scheduled callback that has interrupted
    the cache.
    """
    vhost = cache.vhost.encode()
    room = (0xFFFF if limit is None else limit) - _HEAD_LEN - _META_LEN - len(vhost)
    len(cache)  # takes what connections have to give
    with lock as first:  # nothing changes meanwhile
        if not first:
            raise RuntimeError("the cache is in use by what this callback interrupts")
        return encode(vhost, _fitting(_items(cache, host, port), room))


def encode(vhost, items):
    """`items` as `decode` gives them as a new bytearray, which is a secret: wipe it."""
    fingerprints = []
    size = _HEAD_LEN + _META_LEN + len(vhost)
    for item in items:
        size += _size(item, fingerprints)
    out = bytearray(size)
    try:
        at = _put(out, _HEAD_LEN + _META_LEN, vhost)
        for fingerprint in fingerprints:
            at = _put(out, at, fingerprint)
        for fingerprint, host, port, session, age, left, proof, once in items:
            host = host.encode()
            key = fingerprints.index(fingerprint), len(host), port or 0
            struct.pack_into(_ITEM, out, at, *key, age, left, proof, once, len(session))
            at = _put(out, _put(out, at + _ITEM_LEN, host), session)
        meta = now(), MBEDTLS_VERSION_NUMBER, len(items), len(fingerprints), len(vhost)
        struct.pack_into(_META, out, _HEAD_LEN, *meta)
        struct.pack_into(_HEAD, out, 0, _MAGIC, _VERSION, size, _digest(out, size))
    except BaseException:
        wipe(out)
        raise
    return out


def load(cache, data, slept):
    """Put the sessions in `data` into `cache`, `slept` seconds older than they were.

    Returns how many they are. Raises ValueError, nothing changed, for what is no snapshot of
    this firmware and vhost.
    """
    items = decode(data, cache.vhost.encode())
    # Least recently used first: each put makes its session the most recent.
    for fingerprint, host, port, session, age, left, proof, once in reversed(items):
        if not session:
            cache.doubt(host, port, fingerprint, age & 0xFF, max(0, left - slept))
            continue
        cache.put(
            host,
            port,
            session,
            age + left,
            fingerprint,
            once=bool(once),
            age=age + slept,
            proof=proof - slept,
            ceiling=_CEILING_ONCE if once else _CEILING,
        )
    return len(items)


def decode(data, vhost, padded=True):
    """`(fingerprint, host, port or None, session, age, left, proof, once)` of each; times in
    seconds, `session` a memoryview of `data`.

    Raises ValueError for what is no snapshot of this firmware and `vhost` (bytes), or is longer
    than that if it is not `padded`.
    """
    size = _check(data)
    if not padded and size != len(data):
        raise ValueError("the sessions are longer than they say")
    _, mbedtls, count, number, length = struct.unpack_from(_META, data, _HEAD_LEN)
    at = _HEAD_LEN + _META_LEN
    if mbedtls != MBEDTLS_VERSION_NUMBER or bytes(data[at : at + length]) != vhost:
        raise ValueError("the sessions are another firmware's or vhost's")
    where = at + length
    at = where + _FINGERPRINT_LEN * number
    items = []
    for _ in range(count):
        if at + _ITEM_LEN > size:
            raise ValueError("the sessions are damaged")
        index, name, port, age, left, proof, once, length = struct.unpack_from(_ITEM, data, at)
        at += _ITEM_LEN
        end = at + name + length
        if index >= number or end > size:
            raise ValueError("the sessions are damaged")
        fingerprint = where + _FINGERPRINT_LEN * index
        fingerprint = bytes(data[fingerprint : fingerprint + _FINGERPRINT_LEN])
        host = bytes(data[at : at + name]).decode()  # raises UnicodeError, a ValueError
        session = memoryview(data)[at + name : end]
        if length:
            parse(session)
        items.append((fingerprint, host, port or None, session, age, left, proof, once))
        at = end
    return items


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
        raise ValueError("the age of the sessions is not known")
    return today - written


def now():
    """The wall clock, which sleeps with the board or does not: s since the port's epoch."""
    return int(time.time())


def context(vhost):
    """What a sealed snapshot is bound to (bytes)."""
    return struct.pack(">BI", _VERSION, MBEDTLS_VERSION_NUMBER) + vhost.encode()


def _items(cache, host, port):
    """What is worth keeping of a cache, whose lock is held."""
    for item in cache.sessions():
        fingerprint, name, number = item[:3]
        if not isinstance(fingerprint, bytes) or len(fingerprint) != _FINGERPRINT_LEN:
            continue
        if host is not None and (name != host or port is not None and number != port):
            continue
        if len(name.encode()) < 256:
            yield item


def _size(item, fingerprints):
    """What an item takes; its fingerprint is added to those that occur."""
    size = _ITEM_LEN + len(item[1].encode()) + len(item[3])
    if item[0] not in fingerprints:
        fingerprints.append(item[0])
        size += _FINGERPRINT_LEN
    return size


def _fitting(items, room):
    """Those that fit into `room` bytes, and have no more than 255 fingerprints."""
    fingerprints = []
    found = []
    for item in items:
        occurring = list(fingerprints)
        size = _size(item, occurring)
        if size <= room and len(occurring) < 256:
            room -= size
            fingerprints = occurring
            found.append(item)
    return found


def _check(data):
    """The length of the snapshot in `data`."""
    if len(data) < _HEAD_LEN + _META_LEN:
        raise ValueError("the sessions are truncated")
    magic, version, size, digest = struct.unpack_from(_HEAD, data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("no sessions of this version")
    if not _HEAD_LEN + _META_LEN <= size <= len(data) or digest != _digest(data, size):
        raise ValueError("the sessions are damaged")
    return size


def _put(out, at, data):
    out[at : at + len(data)] = data
    return at + len(data)


def _digest(data, size):
    return sha256(memoryview(data)[_HEAD_LEN:size]).digest()[:8]
