"""Programs that npm has, in build/npm."""

import platform
import subprocess

import sources
from command import Missing, find

PACKAGES = {  # by what `uname -m` says
    "bun": {"x86_64": "@oven/bun-linux-x64-baseline", "aarch64": "@oven/bun-linux-aarch64"},
    "deno": {"x86_64": "@deno/linux-x64-glibc", "aarch64": "@deno/linux-arm64-glibc"},
}
VERSIONS = {"bun": "1.4.4", "deno": "2.9.6"}
PATHS = {"bun": "bin/bun", "deno": "deno"}


def program(name):
    """The path of "bun" or "deno", installed if need be. Raises Missing."""
    package = PACKAGES[name].get(platform.machine())
    if package is None:
        raise Missing(f"{name}: npm has none for {platform.machine()}")
    folder = sources.BUILD / "npm"
    path = folder / "node_modules" / package / PATHS[name]
    with sources.BUILDING:
        if not path.exists():
            _install(folder, f"{package}@{VERSIONS[name]}")
    return path


def _install(folder, package):
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    command = [find("npm", "npm"), "install", *options, package]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{package}: {done.stderr.strip()[-400:]}")
