"""A lock against other threads, and against what interrupts its own."""

try:
    from _thread import allocate_lock, get_ident  # type: ignore
except ImportError:  # a port without threads
    get_ident = None


class Lock:
    """`with lock as first:` waits for other threads, and never for its own.

    `first` is False where this thread holds the lock already: within a call from there, or in a
    callback of `micropython.schedule`, which runs in the middle of anything, and had better not
    change what it finds half done.
    """

    def __init__(self):
        self._lock = allocate_lock() if get_ident else None  # type: ignore
        self._owner = None  # get_ident() of the thread that is within
        self._depth = 0
        self._leave = int, self._lock.release if get_ident else int  # type: ignore

    def mine(self):
        """Whether this thread holds the lock."""
        return self._depth > 0 and (get_ident is None or self._owner == get_ident())

    def __enter__(self):
        if get_ident:
            me = get_ident()
            if not (self._depth and self._owner == me):
                # No callback runs until the next jump, after the change is whole (py/vm.c).
                self._lock.acquire()  # type: ignore
                self._owner = me
        self._depth += 1
        return self._depth == 1

    def __exit__(self, kind, error, traceback):
        # Without a jump, at which a KeyboardInterrupt would leave the lock taken (py/vm.c), and
        # without a call in Python, which may be one too deep.
        outer = self._depth == 1
        self._depth -= 1
        self._leave[outer]()


lock = Lock()  # of all caches
