"""Upstream's own TLS tests, of the tree that is built, with and without tlsresume.install()."""

import re
import subprocess
import sys

# Programs of two sides, which upstream's run-multitests.py runs, and of one.
MULTI = ("multi_net/*ssl*.py", "multi_net/*tls*.py")
SINGLE = ("extmod/*ssl*.py", "extmod/*tls*.py")
ATTEMPTS = 3  # upstream's runner gives up after 10 s, and some depend on who is first
INSTALL = "import tlsresume\ntlsresume.install()\ndel tlsresume\n"

# What run-multitests.py starts as `micropython -c SCRIPT`.
_STAND_IN = """#!/bin/sh
export MICROPYPATH='{path}'
exec {firmware} -c '{install}'"$2"
"""


class Upstream:
    """The tests in `tree` (a Path) on the unix port `firmware`; `folder` is for what is written.

    A verdict is "pass", "skip", or "fail" with what was said.
    """

    def __init__(self, tree, firmware, folder):
        self._tests = tree / "tests"
        self._firmware = firmware
        self._folder = folder
        lib = tree / "lib" / "micropython-lib" / "python-stdlib"
        self._path = f".frozen:{self._tests.parent}/extmod:{lib}/ssl:{lib}/unittest"

    def names(self):
        """Of all tests (a list of str)."""
        paths = (path for glob in SINGLE + MULTI for path in self._tests.glob(glob))
        return sorted({str(path.relative_to(self._tests)) for path in paths})

    def verdict(self, name, installed):
        run = self._multi if name.startswith("multi") else self._single
        for _ in range(ATTEMPTS):
            said = run(self._tests / name, INSTALL if installed else "")
            if not said.startswith("fail"):
                break
        return said

    def _single(self, test, install):
        script = install + test.read_text()
        said = self._run([self._firmware, "-X", "heapsize=4M", "-c", script], test.parent)
        if said == "SKIP":
            return "skip"
        if "unittest" in test.read_text():
            return "pass" if said.endswith("\nOK") else f"fail: {said}"
        expected = test.with_name(test.name + ".exp")
        if expected.exists():
            wanted = expected.read_text().strip()
        else:
            wanted = self._run([sys.executable, test.name], test.parent)
        return "pass" if said == wanted else f"fail: {said}\nin place of: {wanted}"

    def _run(self, command, cwd):
        env = {"MICROPYPATH": self._path}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            text=True,
            timeout=120,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.stdout.strip()

    def _multi(self, test, install):
        stand_in = self._folder / ("installed" if install else "plain")
        text = _STAND_IN.format(path=self._path, firmware=self._firmware, install=install)
        stand_in.write_text(text)
        stand_in.chmod(0o755)
        command = [sys.executable, "run-multitests.py", "-r", str(self._folder), str(test)]
        env = {"MICROPY_MICROPYTHON": str(stand_in), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, cwd=self._tests, env=env, capture_output=True, text=True)
        found = re.search(r": (pass|skip|FAIL)\n(.*)", done.stdout, re.S)
        if not found:
            return f"fail: {done.stdout}{done.stderr}"
        return found[1] if found[1] != "FAIL" else f"fail: {found[2]}"
