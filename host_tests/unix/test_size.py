"""What the package takes on a 64-bit MicroPython: heap and code."""

import subprocess

import pytest

pytestmark = pytest.mark.unchecked

MEASURE = """
import gc
def used():
    gc.collect()
    return gc.mem_alloc()
"""


def test_the_import_takes_at_most_3_kib(run, micropython):
    done = subprocess.run(
        [str(micropython), "-c", MEASURE + "a = used()\nimport tlsresume\nprint(used() - a)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) <= 3072


@pytest.mark.parametrize("size", (112, 272))
def test_an_entry_takes_its_session_and_at_most_168_bytes(run, size):
    got = run(
        MEASURE
        + """
def fill(count):
    cache = tlsresume.SessionCache(max=count)
    blob = bytes(SIZE)
    before = used()
    for i in range(count):
        cache.put("host%d.example.com" % i, 443, blob, 7200, b"f" * 32)
    return used() - before
fill(10)
result(overhead=(fill(110) - fill(10)) / 100 - SIZE)
""",
        SIZE=size,
    )
    assert got["overhead"] <= 168


LIMIT = 7040  # GCC 14's code is larger than GCC 12's by some tens of bytes


def test_the_c_module_takes_at_most_7_kib(micropython_tls12):
    assert 0 < text_size(micropython_tls12) <= LIMIT


def test_tls13_takes_at_most_a_third_more(micropython):
    assert text_size(micropython) <= LIMIT * 4 / 3


def text_size(firmware):
    """Bytes of code in the C module, without constants."""
    objects = sorted((firmware.parent / "tlsresume").glob("*.o"))
    sizes = subprocess.run(
        ["size", "-A", *map(str, objects)], capture_output=True, text=True, check=True
    ).stdout
    return sum(int(line.split()[1]) for line in sizes.splitlines() if line.startswith(".text"))
