"""What the figures of the benchmark are held to: tools/budgets.toml, a table a section."""

from pathlib import Path

import tomllib

BUDGETS = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text())


def budget(section, name):
    """`(at least, at most)` of the figure; None where it has no such bound."""
    bounds = BUDGETS.get(section, {}).get(name, {})
    return bounds.get("at_least"), bounds.get("at_most")


def met(section, name, value):
    """Whether a figure keeps to its budget; None where it has none."""
    least, most = budget(section, name)
    if least is None and most is None:
        return None
    return (least is None or value >= least) and (most is None or value <= most)


def missed(found):
    """The names of what is over budget in `found`, `{section: {name: value}}`."""
    return [
        name
        for section, figures in found.items()
        for name, value in figures.items()
        if met(section, name, value) is False
    ]
