"""The tables of the benchmark, and what has changed since the last one."""

from budgets import budget, met
from progress import console
from rich.table import Table

TITLES = {
    "unix": "Unix port: ratios of instructions",
    "unix instructions": "Unix port: instructions",
    "board": "Emulated board (Cortex-M3)",
    "flash": "Flash on Cortex-M3, bytes",
    "wire": "On the wire",
    "segments": "Out of programs that write in pieces: TCP segments with data, bytes with headers",
    "libwebsockets": "Round trips until a page begins, against libwebsockets",
    "loopback": "Medians of 50 on loopback",
    "energy, on paper": "Energy of a handshake ON PAPER (tools/bench_energy.py), mJ",
}
TIMES = {
    "first byte": ("Time to the first byte, TLS 1.2, ms", ("full", "resumed")),
    "real board": ("Real board: handshakes, ms", ("median", "least", "most")),
}


def show(found):
    """Print a table a section."""
    for section, figures in found.items():
        if section in TIMES:
            title, columns = TIMES[section]
            rows = [(name, *(f"{ms:.2f}" for ms in row)) for name, row in figures.items()]
            _table(title, ("", *columns), rows)
        else:
            rows = [_row(section, name, value) for name, value in figures.items()]
            _table(TITLES[section], ("", "measured", "budget", ""), rows)


def compare(before, found):
    """One line: what has changed by more than 1 % since `before`; times are too restless."""
    changed = [
        f"{name} {_number(old)} → {_number(value)}"
        for section, figures in found.items()
        if section not in (*TIMES, "loopback")
        for name, value in figures.items()
        if (old := before.get(section, {}).get(name)) is not None
        and abs(value - old) > 0.01 * abs(old)
    ]
    return "changed since the last run: " + ("; ".join(changed) or "nothing beyond 1 %")


def _row(section, name, value):
    least, most = budget(section, name)
    bounds = [f"≥ {_number(least)}"] if least is not None else []
    bounds += [f"≤ {_number(most)}"] if most is not None else []
    verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}
    return name, _number(value), ", ".join(bounds), verdict[met(section, name, value)]


def _number(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _table(title, columns, rows):
    grid = Table(title=title, title_justify="left", title_style="bold", box=None)
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number else "left")
    for row in rows:
        grid.add_row(*row)
    console.print(grid, "")
