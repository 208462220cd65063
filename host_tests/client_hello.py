"""ClientHellos (RFC 8446 4.1.2) as they pass a proxy."""

from typing import NamedTuple

from counting_proxy import CountingProxy

SUPPORTED_VERSIONS, PSK_KEY_EXCHANGE_MODES, EXTENDED_MASTER_SECRET = 43, 45, 23
PRE_SHARED_KEY, EARLY_DATA, COOKIE, KEY_SHARE, PADDING = 41, 42, 44, 51, 21
_HANDSHAKE, _CLIENT_HELLO = 22, 1


class RecordingProxy(CountingProxy):
    """`sent` lists what each connection's client has sent (bytearrays), by its number."""

    def __init__(self, target, address="127.0.0.1"):
        self.sent = {}
        super().__init__(target, address=address)

    def _count(self, number, way, last, data):
        super()._count(number, way, last, data)
        if way == 0:
            self.sent.setdefault(number, bytearray()).extend(data)

    def hellos(self, connections):
        """The ClientHellos of so many connections that have ended since: a list for each."""
        self.wait(connections)
        return [_hellos(bytes(self.sent[number])) for number in sorted(self.sent)]


class ClientHello(NamedTuple):
    """`head` is all in front of the extensions, which are pairs of number and content (bytes)."""

    head: bytes
    extensions: list

    def get(self, extension):
        """The content of an extension (bytes), or None."""
        return dict(self.extensions).get(extension)

    def versions(self):
        """What supported_versions lists; None without it."""
        listed = self.get(SUPPORTED_VERSIONS)
        return listed and _numbers(listed[1:], 2)

    def modes(self):
        """What psk_key_exchange_modes lists; None without it."""
        listed = self.get(PSK_KEY_EXCHANGE_MODES)
        return listed and list(listed[1:])

    def shares(self):
        """The groups of key_share."""
        data, groups = self.get(KEY_SHARE)[2:], []
        while data:
            groups.append(int.from_bytes(data[:2], "big"))
            data = data[4 + int.from_bytes(data[2:4], "big") :]
        return groups

    def psks(self):
        """The identities of pre_shared_key, and the lengths of its binders; None without it."""
        data = self.get(PRE_SHARED_KEY)
        if data is None:
            return None
        length = int.from_bytes(data[:2], "big")
        return (
            [identity[:-4] for identity in _vectors(data[2 : 2 + length], 2, 4)],
            [len(binder) for binder in _vectors(data[4 + length :], 1)],
        )


def parse(message):
    """The ClientHello in a handshake message. Raises IndexError for half of one."""
    at = 4 + 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at : at + 2], "big")
    at += 1 + message[at]
    data, extensions = message[at + 2 :], []
    while data:
        length = int.from_bytes(data[2:4], "big")
        extensions.append((int.from_bytes(data[:2], "big"), data[4 : 4 + length]))
        data = data[4 + length :]
    return ClientHello(message[4:at], extensions)


def _hellos(sent):
    found = []
    while sent:
        length = int.from_bytes(sent[3:5], "big")
        record, kind, sent = sent[5 : 5 + length], sent[0], sent[5 + length :]
        # What is encrypted does not tell its own length.
        if kind == _HANDSHAKE and record[:4] == bytes([_CLIENT_HELLO]) + (length - 4).to_bytes(
            3, "big"
        ):
            found.append(parse(record))
    return found


def _numbers(data, size):
    return [int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size)]


def _vectors(data, size, more=0):
    found = []
    while data:
        length = size + int.from_bytes(data[:size], "big") + more
        found.append(data[size:length])
        data = data[length:]
    return found
