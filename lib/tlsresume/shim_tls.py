"""Stands for `tls` while installed: a module, since `import *` takes nothing else."""

from tls import *  # type: ignore # noqa: F403

from .context import SSLContext as _SSLContext
from .session import SSLSession  # noqa: F401

_cache = None  # what the contexts share: set by install()


class SSLContext(_SSLContext):
    """`tls.SSLContext` while installed."""

    def __init__(self, protocol):
        super().__init__(protocol, sessions=_cache)
