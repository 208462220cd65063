"""The unix port under a checker of memory: each function gives a Path to run in its place."""

from pathlib import Path

from build import ROOT, build

TRUST = Path(__file__).parent / "trust"

_VALGRIND = """#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \\
    --suppressions={suppressions} {firmware} "$@"
"""


def sanitizers():
    """With Clang's AddressSanitizer and UndefinedBehaviorSanitizer, and libFuzzer, in it."""
    variant = TRUST / "SANITIZED"
    arguments = f"VARIANT_DIR={variant}", "VARIANT=SANITIZED"
    return build("UNIX", *arguments, name="UNIX_SANITIZED")


def valgrind():
    """A script that runs it, with its symbols, under valgrind's memcheck."""
    firmware = build("UNIX", "STRIP=", name="UNIX_SYMBOLS")
    script = ROOT / "build" / "UNIX_SYMBOLS" / "micropython-valgrind"
    script.write_text(_VALGRIND.format(suppressions=TRUST / "valgrind.supp", firmware=firmware))
    script.chmod(0o755)
    return script


CHECKERS = {"sanitizers": sanitizers, "valgrind": valgrind}
