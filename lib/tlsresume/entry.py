"""One entry of the cache: the sessions of one host and port, in one bytearray.

When it was last used (u32); what speaks against an offer, and until when none is made (u8, u32);
then its sessions, newest first, each behind a head: when it was made, when it expires and until
when its peer's proof of identity holds (u32 each, seconds of the cache's clock), its length (u16;
the high bit says that it is good for one use). One allocation an entry, and one to wipe.
"""

from struct import pack_into, unpack_from

try:
    from _tlsresume import wipe  # noqa: F401
except ImportError:
    from .without import wipe  # noqa: F401


MAX_BYTES = 2048  # of sessions in an entry: libwebsockets' buffer of one
FIRST = 9  # where the newest session is

SKIP = 0x80  # no offer is made until a connection without one has gone well
MAX_WAIT = 86400  # s

# What a refusal, and what a loss adds to the doubts. An offer that has gone well takes 1 away: one
# refusal in twenty is remembered, and one loss in eight. One loss alone says nothing.
_REFUSAL = 20
_LOSS = 8
_WAITS = (0, 300, 3600, 28800, MAX_WAIT)  # s, by doubts // _REFUSAL

_HEAD_LEN = 14
BODY = FIRST + _HEAD_LEN  # where its bytes begin; the length of an entry is so much more
_ONCE = 0x8000


EMPTY = bytes(FIRST)  # an entry without sessions


def join(entry, session, made, expires, until, once):
    """A new entry with `session` among those of `entry`, by age, the newest that fit into
    MAX_BYTES; if it is not for `once`, in their place. Raises ValueError for a session that does
    not fit."""
    length = len(session)
    if length > MAX_BYTES:
        raise ValueError("session is larger than %d bytes" % MAX_BYTES)
    at = FIRST
    end = FIRST
    if once:
        end = _fit(entry, MAX_BYTES - length)
        while at < len(entry) and unpack_from(">I", entry, at)[0] > made:
            at = after(entry, at)
        if at > end:
            return bytearray(entry)  # the newer ones leave it no room
    joined = bytearray(end + _HEAD_LEN + length)
    joined[:at] = memoryview(entry)[:at]
    pack_into(">IIIH", joined, at, made, expires, until, (_ONCE if once else 0) | length)
    then = at + _HEAD_LEN + length
    joined[at + _HEAD_LEN : then] = session
    joined[then:] = memoryview(entry)[at:end]
    return joined


def rewrite(entry, session, made, expires, until):
    """Put `session` in the place of the only one, which is as long."""
    pack_into(">IIIH", entry, FIRST, made, expires, until, len(session))
    entry[FIRST + _HEAD_LEN :] = session


def is_empty(entry):
    return len(entry) == FIRST


def made(entry, at=FIRST):
    """When the session at `at` was made; 0 where there is none."""
    return unpack_from(">I", entry, at)[0] if at < len(entry) else 0


def head(entry, at=FIRST):
    """`(made, expires, until, once, end)` of the session at `at`: until when the peer's proof of
    identity holds, whether it is good for one use, and where the next one is."""
    made, expires, until, length = unpack_from(">IIIH", entry, at)
    return made, expires, until, length >= _ONCE, at + _HEAD_LEN + (length & ~_ONCE)


def after(entry, at=FIRST):
    """Where the next session is; the length of the entry after the last."""
    return head(entry, at)[4]


def view(entry, at=FIRST):
    """The session at `at`, not copied."""
    return memoryview(entry)[at + _HEAD_LEN : after(entry, at)]


def holds(entry, session):
    """Whether `session` (bytes-like) is the newest. Copies nothing."""
    return not is_empty(entry) and view(entry) == session


def behead(entry, end):
    """A new entry without the sessions before `end`."""
    rest = bytearray(FIRST + len(entry) - end)
    rest[:FIRST] = memoryview(entry)[:FIRST]
    rest[FIRST:] = memoryview(entry)[end:]
    return rest


def touch(entry, used):
    """Note when the entry was last used: a counter, not a time."""
    pack_into(">I", entry, 0, used)


def used(entry):
    return unpack_from(">I", entry, 0)[0]


def doubts(entry):
    """`(doubts, retry)`: what speaks against an offer, and when one may be made again."""
    return unpack_from(">BI", entry, 4)


def set_doubts(entry, doubts, retry):
    pack_into(">BI", entry, 4, doubts, retry)


def failed(doubts, lost):
    """`(doubts, wait)` after a handshake with an offer was refused by the server, or `lost` for
    another reason: no offer is made for `wait` s."""
    doubts = min(doubts + (_LOSS if lost else _REFUSAL), _REFUSAL * len(_WAITS))
    if doubts <= _LOSS:
        return doubts, 0
    return doubts | SKIP, _WAITS[(doubts - 1) // _REFUSAL]


def accepted(doubts, offered):
    """The doubts after a handshake has gone well in which a session was `offered`, or none."""
    if not offered:
        return doubts & ~SKIP
    # One that had begun before a refusal says nothing about the next.
    return doubts if doubts & SKIP else max(0, doubts - 1)


def _fit(entry, room):
    at = FIRST
    while at < len(entry):
        end = after(entry, at)
        room -= end - at - _HEAD_LEN
        if room < 0:
            break
        at = end
    return at
