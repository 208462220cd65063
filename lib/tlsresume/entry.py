"""One entry of the cache: the sessions of one host and port, in one bytearray.

When it was last used (u32), then its sessions, newest first, each behind a head: when it
was made and when it expires (u32 each, seconds of the cache's clock), its length (u16; the
high bit says that it is good for one use). One allocation an entry, and one to wipe.
"""

import struct

try:
    from _tlsresume import wipe
except ImportError:

    def wipe(buffer):
        """Overwrite `buffer` (a bytearray) with zeros."""
        for i in range(len(buffer)):
            buffer[i] = 0


MAX_BYTES = 2048  # of sessions in an entry: libwebsockets' buffer of one

_START = 4
_HEAD = 10
_ONCE = 0x8000


def new(session, made, expires, once, rest=None):
    """An entry with `session` as its newest; `rest` is an older entry, of which as many
    sessions follow as fit into MAX_BYTES. Raises ValueError for a session that does not."""
    length = len(session)
    if length > MAX_BYTES:
        raise ValueError("session is larger than %d bytes" % MAX_BYTES)
    end = _START if rest is None else _fit(rest, MAX_BYTES - length)
    entry = bytearray(_HEAD + length + end)
    struct.pack_into(">IIH", entry, _START, made, expires, length | (_ONCE if once else 0))
    at = _START + _HEAD
    entry[at : at + length] = session
    if rest is not None:
        entry[at + length :] = memoryview(rest)[_START:end]
    return entry


def head(entry, at=_START):
    """`(made, expires, session, once, next)` of the session at `at`; `session` is a memoryview."""
    made, expires, length = struct.unpack_from(">IIH", entry, at)
    start = at + _HEAD
    end = start + (length & ~_ONCE)
    return made, expires, memoryview(entry)[start:end], bool(length & _ONCE), end


def sessions(entry):
    """Every `head` of the entry, newest first."""
    at = _START
    while at < len(entry):
        found = head(entry, at)
        yield found
        at = found[4]


def behead(entry):
    """A new entry without the newest session, or None if it was the only one."""
    end = head(entry)[4]
    return entry[:_START] + entry[end:] if end < len(entry) else None


def touch(entry, used):
    """Note when the entry was last used: a counter, not a time."""
    struct.pack_into(">I", entry, 0, used)


def used(entry):
    return struct.unpack_from(">I", entry, 0)[0]


def _fit(entry, room):
    fits = _START
    for _, _, session, _, end in sessions(entry):
        room -= len(session)
        if room < 0:
            break
        fits = end
    return fits
