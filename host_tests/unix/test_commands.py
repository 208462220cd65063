"""The commands in the documents, typed as they stand there."""

import os
import re
import signal
import subprocess

import documents
import pytest
import sources

NO_PORT = "/dev/ttyNONE"

# What is typed here, its exit code and what it says. There is neither a board nor ESP-IDF.
TYPED = {
    r"make demo( BOARD=QEMU_MPS2)?": (0, "1 full, 5 resumed"),
    r"MICROPYTHON=DIR make demo": (0, "1 full, 5 resumed"),
    r"make firmware BOARD=QEMU_MPS2( VARIANT=TLS13)?": (0, "firmware.elf"),
    r"make mpy": (0, "mpremote mip install"),
    r"make libraries": (0, "build/libraries"),
    r"make firmware BOARD=ESP32_\S+( VARIANT=\S+)?": (2, "is no ESP-IDF. Do one of these"),
    r"make hil BOARD=ESP32_GENERIC_C3": (2, "idf_tools.py install qemu-riscv32"),
    r".*make (demo|flash|hil|bench) .*PORT=\S+( VARIANT=\S+)?": (
        2,
        f"{NO_PORT} is not there: plug the board in",
    ),
}
# What runs or reads the others.
ELSEWHERE = {
    r"(MBEDTLS4=DIR )?make test": "host_tests",
    r"make hil": "host_tests/board",
    r"make interop": "host_tests/interop",
    r"make trust": "host_tests/trust",
    r"make bench": "host_tests/unix/test_speed.py",
    r"make (lint|fresh)": ".ci/run",
    r"make emulator": "host_tests/unix/test_commands.py",
    r"build/UNIX_SANITIZED/micropython .*": "host_tests/trust/test_fuzz.py",
    r"build/venv/bin/python -m pytest --checked .*": "host_tests/trust/test_sanitizers.py",
    r"build/venv/bin/python -m pytest host_tests/.*": "host_tests/unit/test_cache.py",
    r"build/venv/bin/mpremote connect .*": "host_tests/board/test_board_libraries.py",
    r"build/venv/bin/python tools/fresh.py .*": "host_tests/unix/test_fresh.py",
    r"python .*idf_tools.py install .*": "host_tests/firmware/test_emulator.py",
    r"mpremote cp .*": "host_tests/board/test_board_libraries.py",
    r"openssl s_client .*": "host_tests/unix/test_documents.py",
    r"mpremote mip install .*": "host_tests/board/test_board_libraries.py",
    r"mpremote mount lib .*": "host_tests/board/test_board_libraries.py",
    r"make -C ports/unix .*": "host_tests/firmware/test_standard.py",
    r"build/venv/bin/python tools/releases.py .*": "host_tests/firmware/test_releases.py",
    r"git -C DIR/lib/mbedtls .*": "host_tests/firmware/test_checkout.py",
    r"idf.py .*": "host_tests/firmware/test_fragments.py",
}


def found(table, command):
    return [value for pattern, value in table.items() if re.fullmatch(pattern, command)]


HERE = [command for command in documents.commands() if found(TYPED, command)]


@pytest.mark.parametrize("command", HERE)
def test_it_does_what_it_says(micropython, monkeypatch, command):
    (code, says), *_ = found(TYPED, command)
    monkeypatch.setenv("IDF_PATH", "/nowhere")
    folders = os.environ["PATH"].split(":")  # but not ESP-IDF's, with Espressif's QEMU
    monkeypatch.setenv("PATH", ":".join(p for p in folders if "/tools/qemu-" not in p))
    # The tree that is built already, by whatever name: nothing is built anew.
    command = re.sub(r"/dev/tty\w+", NO_PORT, command).replace("DIR", str(sources.micropython()))
    done = subprocess.run(
        command, shell=True, cwd=documents.ROOT, capture_output=True, text=True, timeout=900
    )
    assert says in done.stdout + done.stderr
    assert done.returncode == code


def test_every_command_is_typed_here_or_run_elsewhere():
    for command in documents.commands():
        places = found(ELSEWHERE, command)
        assert len(places) + len(found(TYPED, command)) == 1, command
        assert all((documents.ROOT / place).exists() for place in places), command


def test_what_is_set_apart_is_a_command_or_the_demos_table(micropython):
    demo = subprocess.run(["make", "demo"], cwd=documents.ROOT, capture_output=True, text=True)
    shapes = {shape(line) for line in demo.stdout.splitlines()}
    for path in documents.DOCUMENTS:
        lines = set(documents.indented(path)) - set(documents.commands())
        assert {shape(line) for line in lines} <= shapes, path


def shape(line):
    """A line of the demo's table without its numbers."""
    return re.sub(r"\d+", "0", re.sub(r"[\s█]+", " ", line)).strip()


def test_the_emulator_runs_until_ctrl_c():
    command = ["make", "emulator"]
    with subprocess.Popen(
        command, cwd=documents.ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        line = next(line for line in process.stdout if "mpremote connect" in line)
        port = re.search(r"connect (/dev/pts/\d+)", line)[1]
        assert os.path.exists(port)
        os.killpg(process.pid, signal.SIGINT)
    assert not os.path.exists(port)
