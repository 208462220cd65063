"""Stands for `tls` while installed: a module, since `import *` takes nothing else.

`shim` puts its SSLContext in.
"""

from tls import *  # noqa: F403
