"""What is fuzzed: `build/UNIX_SANITIZED/micropython fuzz_targets.py TARGET [option of libFuzzer]`.

A target takes bytes that an attacker may choose. Whatever it lets out, and whatever a sanitizer
finds, ends the run.
"""

import io
import struct
import sys

import _fuzz
import _tlsresume
import tls
import tlsresume
from tlsresume import harvest, snapshot
from tlsresume.config import Configuration

POLL = 3  # MP_STREAM_POLL, and what is always ready: reading and writing
READY = 5


class Wire(io.IOBase):
    """The stream below a client: `sent` is all that the server will ever say."""

    def __init__(self, sent):
        self._sent = io.BytesIO(sent)

    def readinto(self, buffer):
        return self._sent.readinto(buffer)

    def write(self, data):
        return len(data)

    def ioctl(self, request, argument):
        return argument & READY if request == POLL else 0


def parse(data):
    """A session that somebody has stored and changed."""
    _parse(data)
    _parse(_of_this_firmware(data))


def _parse(data):
    try:
        _tlsresume.parse(data)
    except ValueError:
        return
    session = _session(data)
    assert tlsresume.SSLSession(session.serialize()) == session
    assert len(session.id) <= 32 and session.timeout > 0 and session.time >= 0


def offer(data):
    """A session in a ClientHello, to a server that answers nothing."""
    _hello(_of_this_firmware(data), b"")


def hello(data):
    """A server's answer, in the clear, to an offered session: its length, it, the answer."""
    if len(data) > 2:
        length = 2 + struct.unpack_from(">H", data)[0]
        _hello(_of_this_firmware(data[2:length]), data[length:])


def tickets(data):
    """What a server says within a connection of TLS 1.3, as if it were not encrypted."""
    cache = tlsresume.SessionCache()
    native = _native(data)
    _tlsresume.adopt(native, _context, _owner(cache, None), None, 0)
    _fuzz.established(native)
    try:
        while native.read(100):
            pass
    except OSError:
        pass
    native.close()
    harvest.poll()
    assert len(cache) <= 1


def unseal(data):
    """What a storage holds in the place of sealed sessions."""
    try:
        opened = _tlsresume.unseal(bytes(32), data[:12], b"", data[12:])
    except OSError:
        return  # a nonce of no length
    assert opened is None or data[12:] == _tlsresume.seal(bytes(32), data[:12], b"", opened)


def load(data):
    """A snapshot that somebody has changed, who may have mended its head."""
    _load(data)
    if len(data) >= 29:
        data = bytearray(data)
        data[4] = snapshot.context("")[0]
        struct.pack_into(">I", data, 5, len(data))
        struct.pack_into(">I", data, 21, _tlsresume.MBEDTLS_VERSION_NUMBER)
        data[9:17] = snapshot._digest(data, len(data))
        _load(data)


def ticket(data):
    """What a client brings back as the ticket of a server, and what is in it, if it was sealed."""
    context = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER, ticket_key=bytes(32))
    wrapped = context.wrap_socket(Wire(b""), server_side=True, do_handshake_on_connect=False)
    assert _fuzz.open(wrapped, data) != 0
    name, key = _ticket_key(context)
    nonce = bytes(12)
    _fuzz.open(wrapped, name + nonce + _tlsresume.seal(key, nonce, b"", data))
    wrapped.close()


def _ticket_key(context):
    state = context._tickets._state
    return bytes(state[16:20]), bytes(state[20:52])


_context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
_context.verify_mode = tls.CERT_NONE


def _of_this_firmware(packed):
    """With the version of this Mbed TLS in front, without which nothing else is looked at: the
    kept inputs may be of another one."""
    return struct.pack(">I", _tlsresume.MBEDTLS_VERSION_NUMBER)[:3] + bytes(packed[3:])


def _owner(cache, made):
    """Of a connection that offers a session made then, or none."""
    until = None if made is None else made + 86400
    return cache, "localhost", 443, Configuration(), made, until, None


def _session(packed):
    """What a connection that has earned this gives to its application."""
    owner = _owner(tlsresume.SessionCache(), None)
    return tlsresume.SSLSession._of((owner, 1, bytearray(packed), False, False, 0, 0, 0, None))


def _native(sent):
    return _context.wrap_socket(
        Wire(sent), do_handshake_on_connect=False, server_hostname="localhost"
    )


def _hello(packed, sent):
    cache = tlsresume.SessionCache()
    native = _native(sent)
    _tlsresume.adopt(native, _context, _owner(cache, cache.now()), packed, 0)
    try:
        _tlsresume.handshake(native)
    except (OSError, ValueError):
        pass
    native.close()
    harvest.poll()
    assert len(cache) == 0


def _load(data):
    try:
        tlsresume.SSLSession(data)
    except ValueError:
        pass
    cache = tlsresume.SessionCache()
    try:
        count = snapshot.load(cache, data, 0)
    except ValueError:
        count = 0
    assert len(cache) <= count
    snapshot.dump(cache)


if __name__ == "__main__":
    # libFuzzer starts itself again, to minimise and to merge.
    command = " ".join([sys.executable] + sys.argv[:2])
    _fuzz.run([command] + sys.argv[2:], globals()[sys.argv[1]])
