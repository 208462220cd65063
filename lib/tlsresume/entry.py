"""One entry of the cache: the sessions of one host and port, in one bytearray.

When it was last used (u32), then its sessions, newest first, each behind a head: when it
was made and when it expires (u32 each, seconds of the cache's clock), its length (u16; the
high bit says that it is good for one use). One allocation an entry, and one to wipe.
"""

from struct import pack_into, unpack_from

try:
    from _tlsresume import wipe
except ImportError:

    def wipe(buffer):
        """Overwrite `buffer` (a bytearray) with zeros."""
        for i in range(len(buffer)):
            buffer[i] = 0


MAX_BYTES = 2048  # of sessions in an entry: libwebsockets' buffer of one
FIRST = 4  # where the newest session is

_HEAD_LEN = 10
_ONCE = 0x8000


def new(session, used, made, expires, once, rest=None):
    """An entry with `session` as its newest; `rest` is an older entry, of which as many
    sessions follow as fit into MAX_BYTES. Raises ValueError for a session that does not."""
    length = len(session)
    if length > MAX_BYTES:
        raise ValueError("session is larger than %d bytes" % MAX_BYTES)
    end = FIRST if rest is None else _fit(rest, MAX_BYTES - length)
    rest = None if rest is None else memoryview(rest)[FIRST:end]
    entry = bytearray(_HEAD_LEN + length + end)
    once = _ONCE if once else 0
    pack_into(">IIIH", entry, 0, used, made, expires, once | length)
    entry[FIRST + _HEAD_LEN : FIRST + _HEAD_LEN + length] = session
    if rest is not None:
        entry[FIRST + _HEAD_LEN + length :] = rest
    return entry


def rewrite(entry, session, made, expires):
    """Put `session` in the place of the only one, which is as long."""
    pack_into(">IIH", entry, FIRST, made, expires, len(session))
    entry[FIRST + _HEAD_LEN :] = session


def size(session):
    """The length of an entry with this session alone."""
    return FIRST + _HEAD_LEN + len(session)


# One field a call, and few variables: what takes one block of the heap is found at once, a larger
# one, as a tuple or the frame of a large function, is searched for (py/gc.c), and costs far more.


def made(entry, at=FIRST):
    """When the session at `at` was made."""
    return unpack_from(">I", entry, at)[0]


def expires(entry, at=FIRST):
    return unpack_from(">I", entry, at + 4)[0]


def once(entry, at=FIRST):
    """Whether it is good for one use."""
    return entry[at + 8] >= 0x80


def after(entry, at=FIRST):
    """Where the next session is; the length of the entry after the last."""
    return at + _HEAD_LEN + (((entry[at + 8] & 0x7F) << 8) | entry[at + 9])


def session(entry, at=FIRST):
    """The session at `at`: a bytearray of the caller's."""
    return entry[at + _HEAD_LEN : after(entry, at)]


def holds(entry, session):
    """Whether `session` (bytes-like) is the newest. Copies nothing."""
    return memoryview(entry)[FIRST + _HEAD_LEN : after(entry)] == session


def behead(entry):
    """A new entry without the newest session, or None if it was the only one."""
    end = after(entry)
    if end == len(entry):
        return None
    rest = bytearray(FIRST + len(entry) - end)
    rest[:FIRST] = memoryview(entry)[:FIRST]
    rest[FIRST:] = memoryview(entry)[end:]
    return rest


def touch(entry, used):
    """Note when the entry was last used: a counter, not a time."""
    pack_into(">I", entry, 0, used)


def used(entry):
    return unpack_from(">I", entry, 0)[0]


def _fit(entry, room):
    at = FIRST
    while at < len(entry):
        end = after(entry, at)
        room -= end - at - _HEAD_LEN
        if room < 0:
            break
        at = end
    return at
