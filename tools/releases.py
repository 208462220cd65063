"""Try releases of MicroPython, and write what passed into the table in firmware/README.md.

Each DIR is a checkout with lib/mbedtls in it (lib/lwip and lib/micropython-lib, too, for the
emulated board and all of upstream's tests); none stands for the pinned sources. A release that
is in the table already, with the same Mbed TLS, is written anew. It takes half an hour each.
"""

import argparse
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import esp32
import sources
import versions
from command import ToolError, run
from progress import console

from build import build

README = sources.ROOT / "firmware" / "README.md"
TESTS = sources.ROOT / "host_tests"
# The columns, and the tests behind each.
TRIED = {
    "unix port": ["unix"],
    "Cortex-M3, emulated": ["board"],
    "RISC-V, emulated": ["firmware/test_riscv.py"],
}
HEAD = ["MicroPython", "Mbed TLS", *TRIED, "ESP-IDF"]


def attempt(tree, columns):
    """The row (a list of str) of `tree`, a Path; "" in the columns that are not tried."""
    row = [versions.micropython(tree), versions.dotted(versions.mbedtls(tree))]
    row += [_tried(tree, column) if column in columns else "" for column in TRIED]
    return [*row, _esp_idf(tree)]


def _tried(tree, column):
    """What became of a column's tests, for a person."""
    console.print(f"{versions.describe(tree)}: {column}")
    report = sources.BUILD / "releases.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"]
    command += ["-n", "auto", "--dist", "loadfile"]  # as `make test` does
    command += [str(TESTS / test) for test in TRIED[column]]
    subprocess.run(command, cwd=sources.ROOT, env={**os.environ, "MICROPYTHON": str(tree)})
    return summary(report.read_text()) if report.exists() else "not run"


def _esp_idf(tree):
    """The version that is there, else the one that is recommended for `tree`, and what came of
    building with it."""
    idf = os.environ.get("IDF_PATH")
    version = esp32.image(tree).rpartition(":v")[2]
    os.environ["MICROPYTHON"] = str(tree)
    try:
        esp32.check(tree)
        sources.checkout()
        version = versions.dotted(esp32.version_of(idf)) if idf else version
    except ToolError as e:
        return _told(f"{version}: not tried", e)
    if not idf and not _docker_runs():
        return _told(f"{version}: not tried", "docker does not run")
    try:
        build("ESP32_GENERIC_C3")
    except ToolError as e:
        return _told(f"{version}: does not build", e)
    return f"{version}: builds"


def _docker_runs():
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def _told(result, why):
    console.print(f"{result}: {why}", soft_wrap=True)
    return result


def summary(report):
    """Of pytest's report in JUnit's XML: how many passed, and what else there was."""
    suite = ElementTree.fromstring(report).find("testsuite")
    names = ("failures", "errors", "skipped")
    other = {name: int(suite.get(name)) for name in names if int(suite.get(name))}
    passed = int(suite.get("tests")) - sum(other.values())
    return ", ".join([f"{passed} passed", *(f"{n} {name}" for name, n in other.items())])


def table(text, rows):
    """The document `text` with `rows` in its table, beside or instead of those that are there;
    where a cell is empty the old one stays."""
    found = re.search(r"^\| MicroPython \|.*\n\|[-|]+\n((?:\|.*\n)*)", text, re.M)
    old = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found[1].splitlines()]
    all_rows = {tuple(row[:2]): row for row in old}
    for row in rows:
        before = all_rows.get(tuple(row[:2]), row)
        all_rows[tuple(row[:2])] = [new or cell for new, cell in zip(row, before)]
    lines = [HEAD, ["---"] * len(HEAD), *(all_rows[name] for name in sorted(all_rows))]
    new = "".join("| " + " | ".join(line) + " |\n" for line in lines).replace("| --- ", "|---")
    return text[: found.start()] + new + text[found.end() :]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", metavar="DIR", nargs="*", type=Path)
    parser.add_argument(
        "--only", metavar="COLUMN", choices=TRIED, nargs=1, default=TRIED, help="; ".join(TRIED)
    )
    args = parser.parse_args()
    for tree in [tree.resolve() for tree in args.trees] or [sources.pinned()]:
        row = attempt(tree, args.only)
        README.write_text(table(README.read_text(), [row]))
        console.print(" | ".join(row), soft_wrap=True)


if __name__ == "__main__":
    run(main)
