"""A TLS 1.3 server that sends its tickets when it is told to.

OpenSSL's own library by ctypes: Python's ssl sends tickets after the handshake only.
"""

import ctypes
import ctypes.util
import hashlib

from listener import Listener

_SSL_CTRL_SET_MIN_PROTO_VERSION = 123
_SSL_CTRL_SET_MAX_PROTO_VERSION = 124
_SSL_CTRL_SET_GROUPS_LIST = 92
_SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB = 72
_TLS1_3 = 0x0304
_PEM = 1
_SSL_VERIFY_PEER = 1
_p, _i = ctypes.c_void_p, ctypes.c_int
_TICKET_KEY_CB = ctypes.CFUNCTYPE(_i, _p, _p, _p, _p, _p, _i)


class TicketServer:
    """Plays `script` on each connection to 127.0.0.1, port `port`.

    Its steps: "ticket" sends a NewSessionTicket, "read" waits for data, bytes are sent,
    "reused" sends whether the connection was resumed, as a line; of as many bytes as an int says
    the SHA-256 is sent, as a line; a threading.Event is waited for. Then the peer's close is
    waited for. `once`: each ticket is accepted once (RFC 8446 8.1). `groups`: the key exchange
    groups it takes (OpenSSL's names, separated by colons). `first`: "ticket" does nothing after
    the first connection. `version`: 0x0303 for TLS 1.2, which sends a ticket by itself.
    `renews`: in TLS 1.2, too, each resumption brings a new ticket.
    `refuses`: ask for client certificates, and have no session ID context: OpenSSL then ends each
    handshake that offers a session by a fatal alert. `reused` has a bool a connection.
    """

    def __init__(
        self,
        certificate,
        script,
        once=False,
        groups=None,
        first=False,
        version=_TLS1_3,
        refuses=False,
        renews=False,
    ):
        self.script = script
        self._first = first
        self.reused = []
        self._lib = _library()
        self._context = self._lib.SSL_CTX_new(self._lib.TLS_server_method())
        self._configure(certificate, once, groups, version)
        if renews:
            self._renews = _TICKET_KEY_CB(self._seal)  # as long as the context has it
            self._lib.SSL_CTX_callback_ctrl(
                self._context, _SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB, self._renews
            )
        if refuses:
            self._lib.SSL_CTX_set_verify(self._context, _SSL_VERIFY_PEER, None)
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def set_ciphersuites(self, names):
        """Take only these, names separated by colons, from the next connection on."""
        self._lib.SSL_CTX_set_ciphersuites(self._context, names.encode())

    def close(self):
        self._listener.close()

    def _configure(self, certificate, once, groups, version):
        lib, context = self._lib, self._context
        lib.SSL_CTX_use_certificate_chain_file(context, f"{certificate}.pem".encode())
        lib.SSL_CTX_use_PrivateKey_file(context, f"{certificate}.key".encode(), _PEM)
        for which in (_SSL_CTRL_SET_MIN_PROTO_VERSION, _SSL_CTRL_SET_MAX_PROTO_VERSION):
            lib.SSL_CTX_ctrl(context, which, version, None)
        lib.SSL_CTX_set_num_tickets(context, 0)
        if once:
            # OpenSSL's guard against replayed early data makes tickets single-use.
            lib.SSL_CTX_set_max_early_data(context, 1)
        if groups:
            lib.SSL_CTX_ctrl(context, _SSL_CTRL_SET_GROUPS_LIST, 0, groups.encode())

    def _seal(self, ssl, name, iv, cipher, mac, sealing):
        """SSL_CTX_set_tlsext_ticket_key_cb(3): with 2 a ticket is good, and wants a new one."""
        if sealing:
            ctypes.memset(name, 0, 16)
            self._lib.RAND_bytes(iv, 16)
        key = bytes(32)
        algorithm = self._lib.EVP_aes_256_cbc()
        self._lib.EVP_CipherInit_ex(cipher, algorithm, None, key, iv, sealing)
        self._lib.HMAC_Init_ex(mac, key, len(key), self._lib.EVP_sha256(), None)
        return 1 if sealing else 2

    def _serve(self, sock):
        ssl = self._lib.SSL_new(self._context)
        self._lib.SSL_set_fd(ssl, sock.fileno())
        if self._lib.SSL_accept(ssl) == 1:
            self.reused.append(bool(self._lib.SSL_session_reused(ssl)))
            for step in self.script:
                self._play(ssl, step)
            while self._read(ssl):
                pass
            self._lib.SSL_shutdown(ssl)
        self._lib.SSL_free(ssl)
        sock.close()

    def _play(self, ssl, step):
        if step == "ticket" and self._first and len(self.reused) > 1:
            pass
        elif step == "ticket":
            self._lib.SSL_new_session_ticket(ssl)
            self._lib.SSL_do_handshake(ssl)  # sends it
        elif step == "read":
            self._read(ssl)
        elif step == "reused":
            self._write(ssl, b"%d\n" % self._lib.SSL_session_reused(ssl))
        elif isinstance(step, int):
            self._write(ssl, self._digest(ssl, step))
        elif isinstance(step, bytes):
            self._write(ssl, step)
        else:
            step.wait()

    def _write(self, ssl, data):
        self._lib.SSL_write(ssl, data, len(data))

    def _digest(self, ssl, length):
        digest = hashlib.sha256()
        while length > 0 and (data := self._read(ssl)):
            digest.update(data)
            length -= len(data)
        return digest.hexdigest().encode() + b"\n"

    def _read(self, ssl):
        data = ctypes.create_string_buffer(4096)
        length = self._lib.SSL_read(ssl, data, len(data))
        return data.raw[: max(0, length)]


def _library():
    name = ctypes.util.find_library("ssl")
    if not name:
        raise FileNotFoundError("OpenSSL's library is missing: apt-get install libssl3")
    lib = ctypes.CDLL(name)
    p, i, n, s = _p, _i, ctypes.c_long, ctypes.c_char_p
    for function, result, arguments in (
        ("TLS_server_method", p, ()),
        ("SSL_CTX_new", p, (p,)),
        ("SSL_CTX_use_certificate_chain_file", i, (p, s)),
        ("SSL_CTX_use_PrivateKey_file", i, (p, s, i)),
        ("SSL_CTX_ctrl", n, (p, i, n, s)),
        ("SSL_CTX_set_ciphersuites", i, (p, s)),
        ("SSL_CTX_set_verify", None, (p, i, p)),
        ("SSL_CTX_set_num_tickets", i, (p, ctypes.c_size_t)),
        ("SSL_CTX_set_max_early_data", i, (p, ctypes.c_uint32)),
        ("SSL_CTX_callback_ctrl", n, (p, i, _TICKET_KEY_CB)),
        ("RAND_bytes", i, (p, i)),
        ("EVP_aes_256_cbc", p, ()),
        ("EVP_sha256", p, ()),
        ("EVP_CipherInit_ex", i, (p, p, p, s, p, i)),
        ("HMAC_Init_ex", i, (p, s, i, p, p)),
        ("SSL_new", p, (p,)),
        ("SSL_set_fd", i, (p, i)),
        ("SSL_accept", i, (p,)),
        ("SSL_session_reused", i, (p,)),
        ("SSL_new_session_ticket", i, (p,)),
        ("SSL_do_handshake", i, (p,)),
        ("SSL_write", i, (p, s, i)),
        ("SSL_read", i, (p, s, i)),
        ("SSL_shutdown", i, (p,)),
        ("SSL_free", None, (p,)),
    ):
        f = getattr(lib, function)
        f.restype, f.argtypes = result, arguments
    return lib
