"""Watch a MicroPython program reconnect to an OpenSSL server: full, then resumed; and then an
OpenSSL client come back to a server on MicroPython.

On the unix port, which is built for it; on the emulated board (--board QEMU_MPS2); or on the
board that is plugged in (--port /dev/ttyX).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from board import Board, BoardError, host_address
from board_server import Visitor
from certificates import Authority
from command import run
from counting_proxy import CountingProxy
from emulator import BOARDS, emulate
from openssl_server import OpenSSLServer
from progress import console
from rich.table import Table

from build import build

TIMES = 6
BAR = 32
KINDS = {
    "-tls1_2": "TLS 1.2, session tickets",
    "-tls1_3": "TLS 1.3",
}
CIPHERS = "import tls\nprint(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).get_ciphers())"
CLIENT = Path(__file__).with_name("demo_client.py")
SERVER = Path(__file__).with_name("demo_server.py")
VERSIONS = {"-tls1_2": "1.2", "-tls1_3": "1.3"}


class Unix:
    """Runs the client on the unix port."""

    address = host = "127.0.0.1"
    kinds = tuple(KINDS)

    def __init__(self, firmware):
        self.firmware = firmware

    def execute(self, script, **variables):
        given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
        done = subprocess.run(
            [str(self.firmware), "-c", given + script], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            sys.exit(f"demo: the client failed:\n{done.stderr}")
        return done.stdout


class OnBoard:
    """Runs the client on a board."""

    address = "0.0.0.0"

    def __init__(self, board, wifi, host):
        self.execute = board.execute
        console.print(board.check())
        board.soft_reset()
        self.host = host or host_address(board.connect(wifi))
        self.kinds = tuple(KINDS)[: 2 if "TLS1-3" in board.execute(CIPHERS) else 1]


@contextmanager
def target(args):
    if args.port:
        if not args.wifi_name or args.wifi_password is None:
            raise BoardError(
                "name the board's Wi-Fi: WIFI_NAME=... WIFI_PASSWORD=... make ..., with an empty"
                " password if it is open"
            )
        with Board(args.port) as board:
            yield OnBoard(board, (args.wifi_name, args.wifi_password), args.host)
    elif args.board == "UNIX":
        yield Unix(build("UNIX"))
    else:
        with emulate(args.board) as emulator, Board(emulator.port) as board:
            yield OnBoard(board, None, None)


def connections(runner, authority, certificate, option, times=TIMES):
    """Run the client against `openssl s_server`; a dict a connection, with bytes from the wire."""
    with (
        OpenSSLServer(certificate, "-rev", option) as server,
        CountingProxy(server.port, address=runner.address) as proxy,
    ):
        printed = runner.execute(
            CLIENT.read_text(), HOST=runner.host, PORT=proxy.port, CA=authority.der, TIMES=times
        )
        return counted(printed, proxy, times)


def visits(runner, certificate, option):
    """The same for a server there, to which a client of OpenSSL comes back."""
    given = {"CERT": certificate.with_suffix(".der"), "KEY": certificate.with_suffix(".key.der")}
    given = {name: path.read_bytes() for name, path in given.items()}
    with (
        Visitor(VERSIONS[option]) as visitor,
        CountingProxy(visitor.port, address=runner.address) as proxy,
    ):
        script = SERVER.read_text()
        printed = runner.execute(script, HOST=runner.host, PORT=proxy.port, TIMES=TIMES, **given)
        return counted(printed, proxy, TIMES)


def counted(printed, proxy, times):
    proxy.wait(times)
    seen = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    for one, (out, into), turns in zip(seen, proxy.counts, proxy.turns, strict=True):
        one["out"], one["in"], one["turns"] = out, into, turns
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


def add_board_arguments(parser):
    """--port and the network of a real board, as `target` wants them."""
    parser.add_argument("--port", help="the serial port of a real board")
    for name in ("wifi-name", "wifi-password", "host"):
        variable = name.upper().replace("-", "_")
        parser.add_argument(f"--{name}", default=os.environ.get(variable), help=f"or {variable}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="UNIX", help=f"UNIX, {', '.join(BOARDS)}")
    add_board_arguments(parser)
    args = parser.parse_args()
    resumed = []
    with tempfile.TemporaryDirectory() as folder, target(args) as runner:
        authority = Authority(Path(folder))
        certificate = authority.issue("server", server=True)
        for option in runner.kinds:
            seen = connections(runner, authority, certificate, option)
            show(KINDS[option], seen)
            resumed.append(summary(seen))
        for option in runner.kinds:
            seen = visits(runner, certificate, option)
            show(f"{KINDS[option]}: OpenSSL comes back to a server on MicroPython", seen)
            resumed.append(summary(seen))
    if not all(resumed):
        sys.exit("demo: nothing was resumed")


if __name__ == "__main__":
    run(main)
