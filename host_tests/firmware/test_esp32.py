"""The tools for ESP32, with a stand-in for ESP-IDF: what they build, check and say."""

import os
import pty
import subprocess
import sys

import board
import esp32
import flash
import pytest
import sources
from esp32_table import row

from build import BuildError, build

TREE = sources.micropython()
PORT = TREE / "ports" / "esp32"
BOARDS = esp32.boards(TREE)
# Upstream's Makefile joins the parts of the image by Python, with code of ESP-IDF's.
NO_JOINING = "PYTHON=true"


@pytest.fixture
def made(esp_idf):
    """`made(board, variant="")`: (folder, found) of a build, and what its CMake found by name."""

    def made(board, variant=""):
        given = [NO_JOINING] + [f"BOARD_VARIANT={variant}"] * bool(variant)
        image = build(board, *given)
        assert image.name == "firmware.bin" and image.exists()
        lines = (image.parent / "found").read_text().splitlines()
        return image.parent, dict(line.split(" ", 1) for line in lines)

    return made


def config(folder):
    return (folder / "sdkconfig").read_text()


@pytest.mark.parametrize("name", BOARDS)
def test_any_board_of_upstreams_is_built_with_ours(made, name):
    folder, found = made(name)
    assert folder.name == found["MICROPY_BOARD"] == name
    assert found["USER_C_MODULES"] == f"{sources.ROOT}/firmware/micropython.cmake"
    assert "CONFIG_MBEDTLS_CLIENT_SSL_SESSION_TICKETS=y" in config(folder)
    assert "CONFIG_PARTITION_TABLE_CUSTOM=y" in config(folder)  # upstream's
    assert "TLS1_3" not in config(folder)
    assert found["MICROPY_FROZEN_MANIFEST"] == f"{esp32.OURS}/manifest.py"
    own = PORT / "boards" / name / "manifest.py"
    frozen = os.path.realpath(found["MICROPY_MANIFEST_UPSTREAM"])
    assert frozen in (str(own), str(PORT / "boards" / "manifest.py"))


VARIANTS = [(b, v) for b in BOARDS for v in esp32.variants(b, TREE) if v not in ("QEMU", "TLS13")]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_upstreams_variants_join_ours(made, name, variant):
    folder, plain = made(name, variant)
    assert plain["MICROPY_BOARD_VARIANT"] == variant and folder.name == f"{name}-{variant}"
    joined, both = made(name, f"{variant}-TLS13")
    assert both["MICROPY_BOARD_VARIANT"] == f"{variant}-TLS13"
    assert both["MICROPY_DEF_BOARD"] == plain["MICROPY_DEF_BOARD"]
    added = config(joined).replace(config(folder).rpartition("\nCONFIG_IDF_TARGET")[0], "")
    assert "CONFIG_MBEDTLS_SSL_PROTO_TLS1_3=y" in added and "SESSION_TICKETS" not in added


def test_the_manifest_freezes_what_the_board_did_and_ours():
    names = {"UPSTREAM": str(PORT / "boards" / "manifest.py"), "PORT_DIR": str(PORT)}
    names |= {"MPY_DIR": str(TREE), "MPY_LIB_DIR": str(TREE / "lib" / "micropython-lib")}
    sys.path.insert(0, str(TREE / "tools"))
    import manifestfile

    asked = []
    manifest = manifestfile.ManifestFile(manifestfile.MODE_FREEZE, names)
    manifest._require_from_path = lambda *args, **kwargs: None
    manifest.require = lambda name, **kwargs: asked.append(name)  # micropython-lib's
    manifest.execute(str(esp32.OURS / "manifest.py"))
    files = {os.path.relpath(f.full_path, sources.ROOT) for f in manifest.files()}
    assert "lib/tlsresume/context.py" in files
    assert any(file.endswith("ports/esp32/modules/_boot.py") for file in files)


@pytest.mark.parametrize("name", ("ESP32_GENERIC", "ESP32_GENERIC_C3"))
def test_the_emulators_variant_has_its_ethernet_and_no_radio(made, name):
    folder, found = made(name, "QEMU")
    for line in ("CONFIG_ETH_USE_OPENETH=y", "CONFIG_APP_NO_BLOBS=y", "CONFIG_BT_ENABLED=n"):
        assert line in config(folder).rpartition("CONFIG_BT_ENABLED=y")[2]
    off = {"NETWORK_WLAN", "NETWORK_LAN", "ESPNOW", "BLUETOOTH"}
    assert {f"MICROPY_PY_{what}=0" for what in off} <= set(found["MICROPY_DEF_BOARD"].split(";"))
    assert found["MICROPY_SOURCE_BOARD"] == f"{esp32.OURS}/network_lan.c"
    assert found["COMPONENT_MANAGER"] == "0"


def test_chip_and_place_of_an_image_come_from_the_build(made):
    assert esp32.layout(made("LOLIN_S2_MINI")[0] / "firmware.bin") == ("esp32s2", "0x1000")
    assert esp32.layout(made("ESP32_GENERIC_C3")[0] / "firmware.bin") == ("esp32c3", "0x0")


def test_a_releases_table_has_a_row_an_image(made):
    folder, _ = made("ESP32_GENERIC", "TLS13")
    assert row(folder) == (
        "| ESP32_GENERIC-TLS13.bin | esp32 | 0x1000 | 1,000 | 0 % of 2,031,616 |"
    )


def test_an_image_beyond_its_partition_is_refused(made, monkeypatch):
    monkeypatch.setenv("IMAGE_SIZE", str(0x1F0000))
    made("ESP32_GENERIC")
    monkeypatch.setenv("IMAGE_SIZE", str(0x1F0001))
    with pytest.raises(esp32.ESP32Error, match="2031617 bytes, the app partition 2031616"):
        made("ESP32_GENERIC")


def test_the_partition_that_counts_is_the_one_that_the_image_fills(made, monkeypatch, capsys):
    made("ESP32_GENERIC", "OTA")
    made("ARDUINO_NANO_ESP32")  # a smaller one, for a loader, comes last
    said = capsys.readouterr().out
    assert "of 1572864 bytes" in said and "of 3145728 bytes" in said


def test_mpy_cross_is_not_made_in_the_midst_of_the_board(made):
    folder, _ = made("ESP32_GENERIC")
    assert not (folder / "genhdr").exists() and not (folder / "py").exists()


def test_our_makes_variables_stay_with_us(made, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", " -- BOARD=ESP32_GENERIC_S3")
    assert made("ESP32_GENERIC")[1]["MICROPY_BOARD"] == "ESP32_GENERIC"


def test_a_board_that_does_not_exist_is_told_those_that_do(esp_idf):
    with pytest.raises(
        BuildError, match="no board ESP33: BOARD=..., of QEMU_MPS2, UNIX, ARDUINO.*LOLIN_S2_MINI"
    ):
        build("ESP33")


def test_a_variant_that_a_board_does_not_have_is_told_those_that_it_has(esp_idf):
    with pytest.raises(BuildError, match="UNIX has no variant TLS13"):
        build("UNIX", "BOARD_VARIANT=TLS13")
    with pytest.raises(esp32.ESP32Error, match="no variant OTB: D2WD, OTA, QEMU, SPIRAM, .*TLS13"):
        build("ESP32_GENERIC", "BOARD_VARIANT=OTB-TLS13")


SAID = {
    "the compiler": "main.c:1: error: no such thing",
    "the linker": "x.c:(.text+0x1): undefined reference to `mp_module_string'",
    "two of a name": "y.o: multiple definition of `x'; z.o: first defined here",
    "too large": "ld: section `.iram0.text' will not fit in region `iram0_0_seg'",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_why_a_build_failed_is_told(said):
    noise = [f"[{i}/1500] Building C object" for i in range(20)]
    assert esp32.why([*noise, said, *noise]) == [said]


def test_what_follows_a_cmake_error_is_told():
    lines = [
        "-- Found Git",
        "CMake Error at CMakeLists.txt:3 (message):",
        "  No such",
        "",
        "  board.",
    ]
    assert esp32.why([*lines, "", "-- Configuring incomplete"]) == [*lines[1:3], lines[4]]


def test_without_a_known_line_the_last_are_told():
    assert esp32.why([str(i) for i in range(20)]) == [str(i) for i in range(12, 20)]


@pytest.fixture
def idf(monkeypatch, tmp_path):
    """An installed ESP-IDF of a version: `idf(major, minor)`; its idf.py fails."""

    def idf(major, minor):
        cmake = tmp_path / "idf" / "tools" / "cmake"
        cmake.mkdir(parents=True)
        (cmake / "version.cmake").write_text(
            f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
            "set(IDF_VERSION_PATCH 0)\n"
        )
        (tmp_path / "idf.py").write_text("#!/bin/sh\nexit 1")
        (tmp_path / "idf.py").chmod(0o755)
        monkeypatch.setenv("IDF_PATH", str(tmp_path / "idf"))
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return idf


@pytest.fixture
def release(tmp_path):
    """A checkout whose README for ESP32 says this."""

    def release(text):
        (tmp_path / "ports" / "esp32").mkdir(parents=True)
        (tmp_path / "ports" / "esp32" / "README.md").write_text(text)
        return tmp_path

    return release


# What the releases say, and what follows: the container, the oldest and the newest that will do.
READMES = {
    "1.25": (
        "Currently MicroPython supports v5.2, v5.2.2, v5.3 and v5.4.\n",
        "v5.4",
        (5, 2),
        (5, 4),
    ),
    "1.26": (
        "current recommended version of ESP-IDF for MicroPython is v5.4.2. MicroPython\n"
        "also supports v5.2, v5.2.2, v5.3, v5.4 and v5.4.1.\n",
        "v5.4.2",
        (5, 2),
        (5, 4),
    ),
    "1.28": (
        "current recommended version of ESP-IDF for MicroPython is v5.5.1. MicroPython\n"
        "also supports v5.3, v5.4, v5.4.1 and v5.4.2.\n$ git clone -b v5.5.1 --recursive\n",
        "v5.5.1",
        (5, 3),
        (5, 5),
    ),
    "1.29": (
        "current recommended version of ESP-IDF for MicroPython is v5.5.2. MicroPython\n"
        "also supports v5.3, v5.4, v5.4.1, v5.4.2, v5.5.1 and v5.5.4.\n",
        "v5.5.2",
        (5, 3),
        (5, 5),
    ),
    "one to come": ("It wants ESP-IDF v6.1 or v6.0.3.\n", "v6.1", (6, 0), (6, 1)),
}


@pytest.mark.parametrize(("text", "tag", "oldest", "newest"), READMES.values(), ids=READMES)
def test_what_a_release_supports_its_readme_says(release, idf, text, tag, oldest, newest):
    tree = release(text)
    assert esp32.image(tree) == f"espressif/idf:{tag}"
    idf(*newest)
    esp32.check(tree)
    assert esp32.versions(tree)[0][:2] == oldest


def test_a_release_that_names_none_is_told_the_way_out(release, idf):
    tree = release("It is a port.\n")
    with pytest.raises(esp32.ESP32Error, match="names no version of ESP-IDF: install .*export.sh"):
        esp32.image(tree)
    idf(5, 9)
    esp32.check(tree)


def test_without_idf_and_docker_both_are_named(monkeypatch, tmp_path):
    monkeypatch.delenv("IDF_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match=r"(?s)ESP-IDF 5.2 to 5.4.*docker"):
        esp32.check(TREE)


@pytest.mark.parametrize("version", ((5, 1), (5, 6), (6, 0)))
def test_another_idf_is_refused_by_its_version(idf, version):
    idf(*version)
    with pytest.raises(esp32.ESP32Error, match="is ESP-IDF {}.{}".format(*version)):
        esp32.check(TREE)


def test_an_idf_that_was_not_exported_is_told(idf, monkeypatch, tmp_path):
    idf(5, 4)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(esp32.ESP32Error, match="export.sh"):
        esp32.check(TREE)


def test_what_is_no_idf_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    with pytest.raises(esp32.ESP32Error, match="is no ESP-IDF"):
        esp32.check(TREE)


def test_the_container_sees_the_sources_and_runs_as_the_user(esp_idf, monkeypatch, tmp_path):
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments\nexit 125')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("IDF_PATH")
    with pytest.raises(esp32.ESP32Error, match="building mpy-cross failed"):
        build("ESP32_GENERIC")
    told = (tmp_path / "arguments").read_text()
    assert f"--volume={sources.ROOT}:{sources.ROOT}" in told and f"--volume={TREE}:{TREE}" in told
    assert f"--user={os.getuid()}:{os.getgid()}" in told and esp32.image(TREE) in told
    assert f"--env=MICROPY_MPYCROSS={TREE}/mpy-cross/build/mpy-cross" in told


def test_progress_is_ninjas_and_not_its_bootloaders():
    lines = ("[750/1500] Building C object", "[90/100] Building C object", "cmake -G Ninja")
    assert [esp32.percent(line) for line in lines] == [50, 0, 0]


@pytest.mark.parametrize("name", ("LOLIN_S2_MINI", "ESP32_GENERIC", "ESP32_GENERIC_C6"))
def test_esptool_knows_the_chip_that_a_board_is_flashed_as(made, name):
    command = flash.command("/dev/null", made(name)[0] / "firmware.bin")
    chip = command[command.index("--chip") + 1]
    subprocess.run([*command[:3], "--chip", chip, "version"], check=True)


def test_a_port_that_is_not_there_is_told_before_anything_is_built():
    with pytest.raises(board.BoardError, match="is not there: plug the board in"):
        flash.flash("ESP32_GENERIC", "/dev/ttyNOPE")


def test_the_emulated_board_is_not_flashed():
    with pytest.raises(board.BoardError, match="no ESP32"):
        flash.flash("QEMU_MPS2", "/dev/null")


def test_esptool_finds_no_chip_on_a_silent_line(made):
    master, slave = pty.openpty()
    try:
        with pytest.raises(board.BoardError, match="could not write to the esp32c3.*BOOT"):
            flash.flash("ESP32_GENERIC_C3", os.ttyname(slave), NO_JOINING)
    finally:
        os.close(master)
        os.close(slave)


def test_after_writing_the_board_is_asked_for_tlsresume(riscv_line, monkeypatch, capsys):
    monkeypatch.setattr(flash, "build", lambda *_: None)
    monkeypatch.setattr(flash, "command", lambda *_: ["true"])  # in esptool's place
    flash.flash("ESP32_GENERIC_C3", riscv_line)
    assert "tlsresume is available" in capsys.readouterr().out


def test_flash_tells_its_usage():
    tool = [sys.executable, str(sources.ROOT / "tools" / "flash.py"), "--help"]
    done = subprocess.run(tool, capture_output=True, text=True, check=True)
    assert "BOARD" in done.stdout and "PORT" in done.stdout
