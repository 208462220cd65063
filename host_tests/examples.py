"""The examples in lib/examples, with other constants."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "lib" / "examples"


def example(name, **constants):
    """The text of an example whose lines `NAME = ...` say what `constants` do. Raises KeyError
    for a constant that it does not have."""
    text = (FOLDER / name).read_text()
    for constant, value in constants.items():
        text, found = re.subn(
            rf"^{constant} = .*$", lambda _, c=constant, v=value: f"{c} = {v!r}", text, flags=re.M
        )
        if found != 1:
            raise KeyError(constant)
    return text
