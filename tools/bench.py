"""Measure what resumption costs and saves: tables, build/bench.json and build/bench.svg.

The figures are held to tools/budgets.toml; the exit code tells whether all are met. With --port
the board that is plugged in is timed, too.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import bench_board
import bench_energy
import bench_picture
import bench_server
import bench_size
import bench_wire
import sources
from bench_report import compare, show
from bench_unix import Bench
from budgets import missed
from chains import chains
from command import run
from demo import add_board_arguments, connections, target
from progress import console, progress

from build import build

JSON = sources.BUILD / "bench.json"
SVG = sources.BUILD / "bench.svg"
PAIRS = 30  # of full and resumed connections, taking turns


def unix(firmware, certificates):
    bench = Bench(firmware, certificates)
    figures = bench.figures()
    ratios = {}
    with progress("counting instructions", len(figures)) as advance:
        for name, figure in figures.items():
            ratios[name] = figure()
            advance()
        return {"unix": ratios, "unix instructions": bench.instructions()}


def emulated(certificates):
    firmware = build("QEMU_MPS2")
    tls13 = build("QEMU_MPS2", "TLSRESUME_TLS13=1", name="QEMU_MPS2_TLS13")
    flash = {**bench_size.figures(firmware, tls13), **bench_size.without()}
    with progress("counting on the emulated board"):
        board = bench_board.figures(firmware, tls13, certificates)
        board.update(bench_server.figures(firmware, tls13, certificates))
    return {"board": board, "flash": flash, "energy, on paper": bench_energy.figures(board)}


def real_board(args, chain):
    """Milliseconds of full and resumed handshakes, taking turns: median, least, most."""
    times = {"full": [], "resumed": []}
    with target(args) as runner, progress("timing the board", PAIRS) as advance:
        for _ in range(PAIRS):
            seen = connections(runner, chain.authority, chain.certificate, "-tls1_2", times=2)
            for one in seen:
                times["resumed" if one["reused"] else "full"].append(one["us"] / 1000)
            advance()
    return {k: [statistics.median(v), min(v), max(v)] for k, v in times.items()}


def measure(args, folder):
    firmware = build("UNIX")
    certificates = chains(folder)
    first = certificates[0]
    found = {"real board": real_board(args, first)} if args.port else {}
    found.update(unix(firmware, certificates))
    found["wire"] = bench_wire.figures(firmware, certificates)
    found["segments"] = bench_wire.segments(firmware, first)
    found["libwebsockets"] = bench_wire.libwebsockets(firmware, first)
    found["first byte"] = bench_wire.first_byte(firmware, first)
    found["loopback"] = bench_wire.on_loopback(found["first byte"])
    found.update(emulated(certificates))
    bench_picture.draw(SVG, found["board"], found["wire"], first.name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_board_arguments(parser)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(args, Path(folder))
    show(found)
    before = json.loads(JSON.read_text()) if JSON.exists() else {}
    console.print(compare(before, found) if before else "no earlier run to compare with")
    JSON.write_text(json.dumps(found, indent=1))
    console.print(f"{JSON}, {SVG}")
    if missed(found):
        sys.exit("bench: over budget: " + "; ".join(missed(found)))


if __name__ == "__main__":
    run(main)
