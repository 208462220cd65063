"""Stands for micropython-lib's `ssl` while installed, where the firmware has none."""

import tls
from tls import *  # type: ignore # noqa: F403

from .shim_tls import SSLContext as _SSLContext
from .shim_tls import SSLSession  # noqa: F401


class SSLContext(_SSLContext):  # type: ignore
    def __init__(self, protocol):
        super().__init__(protocol)
        self.verify_mode = tls.CERT_NONE  # ssl's habit, not tls's


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=tls.CERT_NONE,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    ctx = SSLContext(tls.PROTOCOL_TLS_SERVER if server_side else tls.PROTOCOL_TLS_CLIENT)
    if cert or key:
        ctx.load_cert_chain(cert, key)
    if cadata:
        ctx.load_verify_locations(cadata=cadata)
    ctx.verify_mode = cert_reqs
    return ctx.wrap_socket(
        sock,
        server_side=server_side,
        do_handshake_on_connect=do_handshake,
        server_hostname=server_hostname,
    )
