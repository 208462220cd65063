"""Build the unix port, start an OpenSSL server and watch a program reconnect to it."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import sources
from certificates import Authority
from counting_proxy import CountingProxy
from openssl_server import OpenSSLServer
from progress import console
from rich.table import Table

from build import BuildError, build

TIMES = 6
BAR = 32
KINDS = (("TLS 1.2, session tickets", "-tls1_2"), ("TLS 1.3", "-tls1_3"))


def connections(firmware, authority, certificate, option):
    """Run the client against `openssl s_server`; a dict a connection, with bytes from the wire."""
    with OpenSSLServer(certificate, "-rev", option) as server, CountingProxy(server.port) as proxy:
        command = [firmware, Path(__file__).with_name("demo_client.py")]
        arguments = [str(proxy.port), authority.pem, str(TIMES)]
        done = subprocess.run(
            [*map(str, command), *arguments], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            sys.exit(f"demo: the client failed:\n{done.stderr}")
        seen = [json.loads(line) for line in done.stdout.splitlines()]
        for one, (out, into) in zip(seen, proxy.counts, strict=True):
            one["out"], one["in"] = out, into
        return seen


def show(title, seen):
    """Print a table a connection."""
    longest = max(one["us"] for one in seen)
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("#", justify="right")
    table.add_column("handshake")
    for column in ("ms", "bytes out", "bytes in"):
        table.add_column(column, justify="right")
    table.add_column("")
    for number, one in enumerate(seen, 1):
        color = "green" if one["reused"] else "yellow"
        bar = "█" * max(1, round(BAR * one["us"] / longest))
        table.add_row(
            str(number),
            f"[{color}]{'resumed' if one['reused'] else 'full'}",
            f"{one['us'] / 1000:.2f}",
            str(one["out"]),
            str(one["in"]),
            f"[{color}]{bar}",
        )
    console.print(table)


def summary(seen):
    """Print one line; returns how many connections were resumed."""
    full = [one for one in seen if not one["reused"]]
    resumed = [one for one in seen if one["reused"]]
    if full and resumed:
        median = {
            key: [statistics.median(one[key] for one in group) for group in (full, resumed)]
            for key in ("us", "out", "in")
        }
        console.print(
            f"[bold]{len(full)} full, {len(resumed)} resumed: "
            f"{median['us'][0] / 1000:.2f} → {median['us'][1] / 1000:.2f} ms, "
            f"{median['out'][0]:.0f} → {median['out'][1]:.0f} bytes out, "
            f"{median['in'][0]:.0f} → {median['in'][1]:.0f} bytes in\n"
        )
    return len(resumed)


def main():
    try:
        firmware = build("UNIX")
    except (BuildError, sources.SourceError) as e:
        sys.exit(f"demo: {e}")
    resumed = []
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        certificate = authority.issue("server", server=True)
        for title, option in KINDS:
            seen = connections(firmware, authority, certificate, option)
            show(title, seen)
            resumed.append(summary(seen))
    if not all(resumed):
        sys.exit("demo: nothing was resumed")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
