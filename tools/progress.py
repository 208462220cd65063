"""Progress of long steps: a bar on a terminal, plain lines elsewhere; and waiting."""

from contextlib import contextmanager

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(highlight=False)


class Turns(FileLock):
    """A lock of processes. One that has to wait for another says so."""

    def acquire(self, **kwargs):
        try:
            return super().acquire(blocking=False)
        except Timeout:
            console.print(f"waiting for another build to end: {self.lock_file}", soft_wrap=True)
            return super().acquire(**kwargs)


@contextmanager
def progress(title, total=None):
    """Yield `advance(n=1)`; `total` in steps, None if unknown. `title` is printed in any case."""
    if not console.is_terminal:
        console.print(title)
        yield lambda n=1: None
        return
    columns = TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda n=1: bar.advance(task, n)
        bar.update(task, total=1, completed=1)
