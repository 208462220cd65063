"""What a context was configured with, as one value that never changes."""

from hashlib import sha256


class Configuration:
    """What a resumed connection does not check again: verify mode, CAs, own certificate and key,
    ciphers, callbacks, and whatever else the context was told.

    A context has another one as soon as it is told something, so a connection that keeps the one
    it has begun with knows what it was made under. `current` is False once the context is being
    told something more: what such a connection earns belongs to nobody.
    """

    def __init__(self, told=()):
        self.current = True
        self.before = None  # the one that this one differs from, until it is current
        self._told = told  # pairs of a name, and 32 bytes or an object that is held
        self._fingerprint = None

    def having(self, name, *values):
        """A new Configuration that was told `values` too, under `name` (str). Not current yet."""
        told = self._told
        for value in values:
            told += ((name, _token(value)),)
        return self._but(told)

    def setting(self, name, value):
        """A new Configuration that was told `value` instead of what it was told under `name`; None
        is what it was born with. Not current yet."""
        told = list(self._told)
        at = 0
        while at < len(told) and told[at][0] != name:
            at += 1
        told[at : at + 1] = [] if value is None else [(name, _token(value))]
        return self._but(tuple(told))

    def _but(self, told):
        new = Configuration(told)
        new.before = self
        new.current = False
        return new

    def fingerprint(self):
        """All of it, hashed (bytes). With callbacks and other objects, a tuple of that and them,
        which keeps them alive: no other one can take their place in memory."""
        if self._fingerprint is None:
            h = sha256()
            held = []
            for name, token in self._told:
                h.update(sha256(name.encode()).digest())
                if isinstance(token, bytes):
                    h.update(token)
                else:
                    held.append(token)
            self._fingerprint = (h.digest(), tuple(held)) if held else h.digest()
        return self._fingerprint


# What a change within a change leaves behind, as by a scheduled callback: nobody knows it.
UNKNOWN = Configuration()
UNKNOWN.current = False


def _token(value):
    """`value` hashed, one by one, so that no two lists run together to the same bytes; or itself,
    where only its identity tells."""
    if isinstance(value, str):
        value = value.encode()
    elif value is None or isinstance(value, int):
        value = repr(value).encode()
    elif not isinstance(value, (bytes, bytearray, memoryview)):
        return value
    return sha256(value).digest()
