"""Measure what resumption costs and saves: tables, build/bench.json and build/bench.svg.

Ratios are held to tools/budgets.toml; the exit code tells whether all are met. With --port the
board that is plugged in is timed, too.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import bench_board
import pygal
import sources
import tomllib
from bench_unix import Bench
from certificates import Authority
from command import run
from counting_proxy import CountingProxy
from demo import add_board_arguments, connections, target
from openssl_server import OpenSSLServer
from progress import console, progress
from rich.table import Table

from build import build

BUDGETS = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text())
JSON = sources.BUILD / "bench.json"
SVG = sources.BUILD / "bench.svg"
DELAYS = {0: "loopback", 20: "Wi-Fi", 100: "LTE-M", 600: "NB-IoT"}  # ms, a round trip
PAIRS = 15  # of full and resumed connections, taking turns

FIRST_BYTE = """
import socket, time, tls, tlsresume
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)
def first_byte():
    s = socket.socket()
    start = time.ticks_us()
    s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    s = ctx.wrap_socket(s, server_hostname="localhost", nodelay=NODELAY)
    s.write(b"hello\\n")
    s.read(1)
    us = time.ticks_diff(time.ticks_us(), start)
    s.readline()
    s.close()
    return us
for _ in range(TIMES):
    ctx.sessions.clear()
    print(first_byte(), first_byte())
"""


def ratios(bench):
    """The figures of budgets.toml: `{name: value}`."""
    figures = bench.figures()
    with progress("counting instructions", len(figures)) as advance:
        values = {}
        for name, figure in figures.items():
            values[name] = figure()
            advance()
        return values


def instructions(bench):
    return {
        f"TLS {version}, {'resumed' if resumed else 'full'}": bench.package(version, resumed)
        for version in ("1.2", "1.3")
        for resumed in (False, True)
    }


def wire(runner, authority, certificate):
    """Bytes and round trips of a full and of a resumed connection, counted in between."""
    rows = {}
    for kind, option in (("TLS 1.2", "-tls1_2"), ("TLS 1.3", "-tls1_3")):
        full, resumed = connections(runner, authority, certificate, option)[:2]
        rows[kind] = {
            "full": [full["out"], full["in"], full["turns"]],
            "resumed": [resumed["out"], resumed["in"], resumed["turns"]],
        }
    return rows


def first_byte(firmware, authority, certificate):
    """Median ms to the first byte of an answer, full and resumed, by network delay."""
    rows = {}
    with progress("timing the first byte", 2 * len(DELAYS)) as advance:
        for delay, name in DELAYS.items():
            for nodelay in (True, False):
                with (
                    OpenSSLServer(certificate, "-rev", "-tls1_2") as server,
                    CountingProxy(server.port, delay / 2000) as proxy,
                ):
                    given = {"CA": authority.der, "PORT": proxy.port, "NODELAY": nodelay}
                    given["TIMES"] = 20 if delay < 100 else 2
                    script = "".join(f"{k} = {v!r}\n" for k, v in given.items()) + FIRST_BYTE
                    done = subprocess.run(
                        [str(firmware), "-c", script], capture_output=True, text=True, check=True
                    )
                pairs = [list(map(int, line.split())) for line in done.stdout.splitlines()]
                medians = [statistics.median(column) / 1000 for column in zip(*pairs, strict=True)]
                rows[f"{delay} ms ({name}){'' if nodelay else ', Nagle on'}"] = medians
                advance()
    return rows


def emulated():
    firmware = build("QEMU_MPS2")
    with progress("counting on the emulated board"):
        figures = {**bench_board.flash(firmware), **bench_board.heap(firmware)}
        for kind in ("ecdsa", "rsa"):
            figures.update(bench_board.measure(firmware, kind))
    return figures


def table(title, columns, rows):
    grid = Table(title=title, title_justify="left", title_style="bold", box=None)
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number else "left")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, str) else f"{cell:,}" for cell in row))
    console.print(grid, "")


def show(found):
    rows = [
        (name, f"{value:.3f}", f"{BUDGETS[name]['at_most']:.3f}", verdict(name, value))
        for name, value in found["ratios"].items()
    ]
    table("Unix port, ratios of instructions", ("", "measured", "at most", ""), rows)
    rows = [(name, round(value)) for name, value in found["instructions"].items()]
    table("Unix port, instructions of a connection", ("", "instructions"), rows)
    rows = [
        (f"{kind}, {how}", *counts)
        for kind, both in found["wire"].items()
        for how, counts in both.items()
    ]
    table("On the wire", ("", "bytes out", "bytes in", "turns"), rows)
    rows = [(name, *(f"{ms:.1f}" for ms in both)) for name, both in found["first byte"].items()]
    table("Time to the first byte, TLS 1.2, ms", ("a round trip of", "full", "resumed"), rows)
    table("Emulated board (Cortex-M3), TLS 1.2", ("", ""), found["board"].items())
    if "real board" in found:
        rows = [(k, *(f"{x:.1f}" for x in v)) for k, v in found["real board"].items()]
        table("Real board, ms", ("handshake", "median", "least", "most"), rows)


def verdict(name, value):
    return "[green]met[/]" if value <= BUDGETS[name]["at_most"] else "[red]missed[/]"


def draw(board):
    """The picture of the README: a connection of the board, full and resumed."""
    chart = pygal.HorizontalBar(
        style=pygal.style.CleanStyle(colors=("#d9a441", "#3a8f5c"), font_family="sans-serif"),
        print_values=True,
        show_legend=True,
        legend_at_bottom=True,
        print_values_position="top",
        show_x_guides=False,
        show_y_guides=False,
        show_x_labels=False,
        margin_right=60,
        width=760,
        height=260,
        js=(),
    )
    chart.title = "TLS handshake on a Cortex-M3, million instructions"
    chart.x_labels = ("RSA-2048", "ECDSA P-256")
    full = [board[f"instructions, full ({kind})"] / 1e6 for kind in ("rsa", "ecdsa")]
    resumed = board["instructions, resumed"] / 1e6
    show = {"formatter": lambda value: f"{value:.1f}"}
    chart.add("full", full, **show)
    chart.add("resumed", [resumed, resumed], **show)
    chart.render_to_file(str(SVG))


def real_board(args, authority, certificate):
    """Milliseconds of full and resumed handshakes, taking turns: median, least, most."""
    times = {"full": [], "resumed": []}
    with target(args) as runner:
        for _ in range(PAIRS):
            for one in connections(runner, authority, certificate, "-tls1_2")[:2]:
                times["resumed" if one["reused"] else "full"].append(one["us"] / 1000)
    return {k: [statistics.median(v), min(v), max(v)] for k, v in times.items()}


def compare(found):
    """One line on what changed since the last run, by more than 1 %."""
    if not JSON.exists():
        return "no earlier run to compare with"
    before = json.loads(JSON.read_text()).get("ratios", {})
    changed = [
        f"{name} {before[name]:.3f} → {value:.3f}"
        for name, value in found["ratios"].items()
        if name in before and abs(value / before[name] - 1) > 0.01
    ]
    return "changed since the last run: " + ("; ".join(changed) or "nothing beyond 1 %")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_board_arguments(parser)
    args = parser.parse_args()
    firmware = build("UNIX")
    args.board = "UNIX"
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        certificate = authority.issue("server", server=True)
        bench = Bench(firmware, authority, certificate)
        found = {"ratios": ratios(bench), "instructions": instructions(bench)}
        if args.port:
            found["real board"] = real_board(args, authority, certificate)
            args.port = None
        with target(args) as runner:
            found["wire"] = wire(runner, authority, certificate)
        found["first byte"] = first_byte(firmware, authority, certificate)
        found["board"] = emulated()
    show(found)
    draw(found["board"])
    console.print(compare(found))
    JSON.write_text(json.dumps(found, indent=1))
    console.print(f"{JSON}, {SVG}")
    missed = [n for n, v in found["ratios"].items() if v > BUDGETS[n]["at_most"]]
    if missed:
        sys.exit("bench: over budget: " + "; ".join(missed))


if __name__ == "__main__":
    run(main)
