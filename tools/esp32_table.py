"""A row of the table of a release's images, in Markdown: esp32_table.py build/BOARD[-VARIANT]."""

import argparse
from pathlib import Path

import esp32
from command import run


def row(folder):
    """The image that was built in `folder`, as `| name | chip | offset | bytes | share |`."""
    size, room = esp32.sizes(folder)
    chip, offset = esp32.layout(folder / "firmware.bin")
    name = f"{folder.name}.bin"
    return f"| {name} | {chip} | {offset} | {size:,} | {100 * size // room} % of {room:,} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(row(parser.parse_args().folder))


if __name__ == "__main__":
    run(main)
