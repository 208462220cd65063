"""For tests that run on MicroPython, too."""


def raises(error, function, *args, **kwargs):
    """Whether `function(...)` raises `error`: pytest's own is not on MicroPython."""
    try:
        function(*args, **kwargs)
    except error:
        return True
    return False
