"""What resumption costs the emulated board, within tools/budgets.toml: instructions that QEMU
counts, heap, and flash."""

import bench_board
import bench_server
import bench_size
import pytest
from budgets import BUDGETS, met
from chains import chains

from build import build


@pytest.fixture(scope="module")
def firmwares():
    """With TLS 1.2, and with TLS 1.3 too."""
    return build("QEMU_MPS2"), build("QEMU_MPS2", "TLSRESUME_TLS13=1", name="QEMU_MPS2_TLS13")


@pytest.fixture(scope="module")
def found(firmwares, tmp_path_factory):
    certificates = chains(tmp_path_factory.mktemp("chains"))
    board = bench_board.figures(*firmwares, certificates)
    board.update(bench_server.figures(*firmwares, certificates))
    return {
        "board": board,
        "flash": bench_size.figures(*firmwares),
    }


@pytest.mark.parametrize(
    ("section", "figure"), [(s, name) for s in ("board", "flash") for name in BUDGETS[s]]
)
def test_it_is_within_its_budget(found, section, figure):
    value = found[section][figure]
    print(f"{figure}: {value:,}")
    assert met(section, figure, value)
