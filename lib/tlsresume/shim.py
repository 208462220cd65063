"""install(): programs that know only `tls` and `ssl` resume."""

import sys
import tls as _tls

from . import SSLContext as _SSLContext
from .cache import SessionCache

_cache = None  # what the contexts share; None while not installed
_undo = []  # (module, name, what was there), and for sys.modules (None, name, ...)


def install(cache=None):
    """Let `tls` and `ssl`, as other modules see them, hand out contexts that resume.

    All of them share `cache` (a SessionCache, None for a new one), kept apart by their
    security configuration. Modules that have imported `tls` already see it, too; objects that
    they have made do not change. Returns the cache.
    """
    global _cache
    if _cache is not None and cache is None:
        return _cache
    uninstall()
    _cache = SessionCache() if cache is None else cache
    for module in list(sys.modules.values()):
        _replace_in(module)
    _put("tls", _TLS)
    try:
        import ssl  # micropython-lib's: it sees our tls

        _replace_in(ssl)
    except ImportError:
        ssl = _SSL
        _put("ssl", ssl)
    _put("ussl", ssl)  # as older libraries call it
    return _cache


def uninstall():
    """Put everything back. What was connected stays connected; the cache is cleared."""
    global _cache
    while _undo:
        module, name, was = _undo.pop()
        if module is not None:
            setattr(module, name, was)
        elif was is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = was
    if _cache is not None:
        _cache.clear()
        _cache = None


class SSLContext(_SSLContext):
    """`tls.SSLContext` while installed."""

    def __init__(self, protocol):
        super().__init__(protocol, sessions=_cache)


class _Module:
    """Stands for a module: what it does not have itself is `tls`'s."""

    def __getattr__(self, name):
        return getattr(_tls, name)


class _TLSModule(_Module):
    SSLContext = SSLContext


class _SSLModule(_Module):
    """Stands for micropython-lib's `ssl`, where the firmware has none."""

    class SSLContext(SSLContext):
        def __init__(self, protocol):
            super().__init__(protocol)
            self.verify_mode = _tls.CERT_NONE  # ssl's habit, not tls's

    @staticmethod
    def wrap_socket(
        sock,
        server_side=False,
        key=None,
        cert=None,
        cert_reqs=_tls.CERT_NONE,
        cadata=None,
        server_hostname=None,
        do_handshake=True,
    ):
        side = _tls.PROTOCOL_TLS_SERVER if server_side else _tls.PROTOCOL_TLS_CLIENT
        ctx = _SSL.SSLContext(side)
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


_TLS = _TLSModule()
_SSL = _SSLModule()


def _replace_in(module):
    """Replace `tls` and its SSLContext among the globals of `module`."""
    if getattr(module, "__name__", "").startswith("tlsresume"):
        return
    for name in dir(module):
        was = getattr(module, name)
        if was is _tls:
            _set(module, name, was, _TLS)
        elif was is _tls.SSLContext:
            _set(module, name, was, SSLContext)


def _set(module, name, was, new):
    try:
        setattr(module, name, new)
        _undo.append((module, name, was))
    except AttributeError:
        pass  # tls itself, in ROM


def _put(name, module):
    _undo.append((None, name, sys.modules.get(name)))
    sys.modules[name] = module
