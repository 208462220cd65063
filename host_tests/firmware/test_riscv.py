"""On the instruction set of ESP32-C3 and C6: all that needs no network."""

import subprocess
from pathlib import Path

import pytest
import sources
from board import Board
from emulator import Emulator

HERE = Path(__file__).parent / "VIRT_RV32"


@pytest.fixture(scope="session")
def firmware():
    """build/VIRT_RV32/firmware.elf, from upstream's board of that name and HERE."""
    from build import build

    build("UNIX")  # and mpy-cross with it
    tree = sources.micropython()
    out = sources.BUILD / "VIRT_RV32"
    out.mkdir(parents=True, exist_ok=True)
    # Debian's compiler has no libraries for rv32imac_zicsr, and would link 64-bit ones.
    arch = ["-march=rv32imac", "-mabi=ilp32"]
    name = ["riscv64-unknown-elf-gcc", *arch, "-print-libgcc-file-name"]
    libgcc = subprocess.run(name, capture_output=True, text=True, check=True).stdout.strip()
    flags = " ".join([*arch, "-Wl,-EL", "-T mcu/rv32/virt.ld", "-Wl,--gc-sections", "-nostdlib"])
    command = ["make", "-j2", "-C", tree / "ports" / "qemu", "BOARD=VIRT_RV32"]
    command += [f"BOARD_DIR={HERE}", f"BUILD={out}", f"LDFLAGS={flags}", f"LIBS={libgcc}"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out / "firmware.elf"


@pytest.fixture(scope="session")
def line(firmware):
    with Emulator(firmware, machine="virt") as emulator:
        yield emulator.port


@pytest.fixture
def run(line):
    with Board(line) as board:
        board.soft_reset()
        yield lambda script: board.run(
            "import json, os, tlsresume\n"
            "def result(**kwargs):\n    print('RESULT', json.dumps(kwargs))\n" + script
        )


def test_the_module_is_there(run):
    assert run("result(available=tlsresume.available)") == {"available": True}


def test_the_cache_puts_gets_and_evicts(run):
    got = run("""
cache = tlsresume.SessionCache(max=2)
for i in range(3):
    cache.put("host%d" % i, 443, b"session%d" % i, 300)
result(tags=list(cache), gone=cache.get("host0", 443), there=cache.get("host2", 443).decode())
""")
    assert got["tags"] == ["default.host2.443", "default.host1.443"]
    assert got["gone"] is None and got["there"] == "session2"


def test_what_is_sealed_opens_and_nothing_else_does(run):
    got = run("""
import _tlsresume as t
key, nonce = os.urandom(32), os.urandom(12)
sealed = t.seal(key, nonce, b"context", b"secret")
damaged = bytearray(sealed)
damaged[0] ^= 1
result(opens=bytes(t.unseal(key, nonce, b"context", sealed)).decode(),
       others=[t.unseal(key, nonce, b"other", sealed), t.unseal(key, nonce, b"context", damaged)])
""")
    assert got == {"opens": "secret", "others": [None, None]}


def test_aes_256_gcm_is_nists(run):
    """Test case 14 of the GCM specification."""
    got = run("""
import _tlsresume as t
result(sealed=t.seal(bytes(32), bytes(12), b"", bytes(16)).hex())
""")
    assert got["sealed"] == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


@pytest.mark.parametrize("buf", ("b''", "b'x'", "bytes(200)"))
def test_what_is_no_session_is_refused(run, buf):
    got = run(f"""
try:
    tlsresume.SSLSession({buf})
except ValueError as e:
    result(error=str(e))
""")
    assert "session" in got["error"]


def test_a_snapshot_goes_out_and_in(run):
    got = run("""
from tlsresume import snapshot
snapshot.parse = lambda session: None
cache = tlsresume.SessionCache()
cache.put("a", 443, b"session", 300, b"f" * 32)
other = tlsresume.SessionCache()
n = snapshot.load(other, snapshot.dump(cache), 10)
result(n=n, there=other.get("a", 443, b"f" * 32).decode())
""")
    assert got == {"n": 1, "there": "session"}


def test_a_context_has_a_fingerprint_of_its_configuration(run):
    got = run("""
import tls
a, b = (tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT) for _ in range(2))
same = a.fingerprint() == b.fingerprint()
b.verify_mode = tls.CERT_NONE
result(same=same, differs=a.fingerprint() != b.fingerprint(), length=len(a.fingerprint()))
""")
    assert got == {"same": True, "differs": True, "length": 32}
