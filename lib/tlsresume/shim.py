"""install(): programs that know only `tls` and `ssl` resume."""

import __main__  # type: ignore
import sys
import tls as _tls

from . import shim_tls
from .cache import SessionCache
from .shim_tls import SSLContext

_cache = None  # what the contexts share; None while not installed
_modules = {}  # what sys.modules held before, or None


def install(cache=None, nodelay=None):
    """Let `tls` and `ssl`, as other modules see them, hand out contexts that resume.

    All of them share `cache` (a SessionCache, None for a new one), kept apart by their
    security configuration; `nodelay`, where it is given, is that of their `wrap_socket`. Modules
    that have imported `tls` already see it, too; objects that they have made do not change.
    Returns the cache.
    """
    global _cache
    if _cache is not None and (cache is None or cache is _cache):
        if nodelay is not None:
            SSLContext._nodelay = nodelay
        return _cache
    uninstall()
    SSLContext._nodelay = nodelay
    _cache = shim_tls._cache = SessionCache() if cache is None else cache
    try:
        _put("tls", shim_tls)
        _replace((_tls, shim_tls), (_tls.SSLContext, SSLContext))
        try:
            import ssl  # micropython-lib's: it sees our tls

            ssl.SSLSession = shim_tls.SSLSession
        except ImportError:
            from . import shim_ssl as ssl

            _put("ssl", ssl)
        _put("ussl", ssl)  # as older libraries call it
    except BaseException:
        uninstall()
        raise
    return _cache


def uninstall():
    """Put everything back. What was connected stays connected; the cache is cleared."""
    global _cache
    while _modules:
        name, was = _modules.popitem()
        if was is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = was
    cache, _cache = _cache, None
    if cache is not None:
        _replace((shim_tls, _tls), (SSLContext, _tls.SSLContext))
        cache.clear()


def _put(name, module):
    _modules[name] = sys.modules.get(name)
    sys.modules[name] = module


def _replace(*pairs):
    """Put the second of a pair wherever a module other than ours has the first."""
    for module in [__main__] + list(sys.modules.values()):
        try:
            _replace_in(module, pairs)
        except MemoryError:
            raise
        except Exception:
            pass  # tls itself, in ROM; or no module, but what stands for one


def _replace_in(module, pairs):
    if (getattr(module, "__name__", "") + ".").startswith("tlsresume."):
        return
    for name in dir(module):
        there = getattr(module, name)
        for was, new in pairs:
            if there is was:
                setattr(module, name, new)
