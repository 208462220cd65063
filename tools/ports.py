"""Ports for servers that many processes and threads start side by side."""

import itertools
import os
import secrets
import socket
from contextlib import suppress

# Below those that the system gives to clients meanwhile.
_FIRST, _SLICES, _SIZE = 20000, 60, 200
_numbers = itertools.count(secrets.randbelow(_SIZE))


def free_port():
    """A port (int) that is free.

    Until the server has started somebody else may choose it: so a process has a slice of its own,
    by its number, and gives a port again after all the others.
    """
    first = _FIRST + os.getpid() % _SLICES * _SIZE
    for number in _numbers:
        port = first + number % _SIZE
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
