"""TLS session resumption for MicroPython: the next handshake is a short one."""

__version__ = "0.2.0"

try:
    import _tlsresume

    del _tlsresume
    available = True
except ImportError:
    available = False

_lazy = {
    "SessionCache": "cache",
    "SSLContext": "context",
    "SSLSession": "session",
    "poll": "harvest",
    "use_timer": "harvest",
    "install": "shim",
    "uninstall": "shim",
    "report": "diagnosis",
}


def __getattr__(name):
    where = _lazy.get(name)
    try:
        module = __import__("tlsresume." + (where or name), None, None, (name,))
    except ImportError:
        if where:
            raise
        raise AttributeError(name)
    value = globals()[name] = getattr(module, name) if where else module
    return value
