"""Progress of long steps: a bar on a terminal, plain lines elsewhere."""

from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(highlight=False)


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
