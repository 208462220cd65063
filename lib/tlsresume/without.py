"""Stands for the C module in a firmware without `_tlsresume`: connections do not resume."""

OBSTACLE = (
    "tlsresume: this firmware has no _tlsresume module; connections do not resume."
    " Build it with USER_C_MODULES=.../tlsresume/firmware."
)


def take(age_ms):
    return None


def due(age_ms):
    return None


def wipe(buffer):
    """Overwrite `buffer` (a bytearray) with zeros."""
    for i in range(len(buffer)):
        buffer[i] = 0


def parse(packed):
    raise ValueError(OBSTACLE)
