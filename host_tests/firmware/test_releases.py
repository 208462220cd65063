"""Which release is built: what was made from another is not taken for it, and a suite of Debian's
that has moved on is stood in for."""

import hashlib
import os
import tarfile

import pytest
import releases
import sources
import versions

from build import folder


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Make a tree of a release: `tree(name, micro, patch, minor)`, of Mbed TLS 3.6.`patch`."""
    monkeypatch.setattr(sources, "BUILD", tmp_path / "build")

    def tree(name, micro=1, patch=7, minor=26):
        top = tmp_path / name
        header = top / "lib/mbedtls/include/mbedtls/build_info.h"
        define(header, "MBEDTLS_VERSION", MAJOR=3, MINOR=6, PATCH=patch)
        define(top / "py/mpconfig.h", "MICROPY_VERSION", MAJOR=1, MINOR=minor, MICRO=micro)
        return top

    return tree


def define(path, prefix, **numbers):
    write(path, "".join(f"#define {prefix}_{name}  {n}\n" for name, n in numbers.items()))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def kept(name, *arguments):
    """Whether what was made in build/`name` before is still there; then something is."""
    out = folder(name, *arguments)
    made = out / "main.o"
    there = made.exists()
    made.touch()
    return there


def test_what_was_made_from_the_same_is_kept(tree):
    assert [kept("UNIX", tree("a"), "STRIP=") for _ in range(2)] == [False, True]


def test_what_was_made_from_another_tree_is_removed(tree):
    assert [kept("UNIX", tree(name)) for name in "aba"] == [False] * 3


def test_what_was_made_from_another_release_in_the_same_place_is_removed(tree):
    assert [kept("UNIX", tree("a", *release)) for release in ((1, 7), (2, 7), (2, 6))] == [
        False
    ] * 3


def test_what_was_made_with_other_options_is_removed(tree):
    assert [kept("UNIX", tree("a"), *options) for options in ((), ("STRIP=",), ())] == [False] * 3


def test_what_was_made_from_other_pins_is_removed(tree):
    made = []
    for pins in ("lwip 1", "lwip 2"):
        write(tree("a") / sources.STAMP, pins)
        made.append(kept("UNIX", tree("a")))
    assert made == [False, False]


def test_the_firmware_is_of_the_release_that_is_named(run):
    got = run("import sys\nresult(version=sys.implementation.version, text=sys.version)")
    release = versions.micropython(sources.micropython())
    assert release.startswith("{}.{}.{}".format(*got["version"]))
    assert f"MicroPython v{release}" in got["text"]


def test_an_affected_mbedtls_is_named_with_what_mends_it(tree):
    said = versions.warning(tree("a", patch=6))
    assert "Mbed TLS 3.6.6" in said and "CVE-2026-50581" in said and "mended in 3.6.7" in said
    assert "CVE-2026-25834" in versions.warning(tree("a", patch=5))
    assert "CVE-2026-25834" not in said


def test_the_pinned_mbedtls_is_not_affected():
    """What comes first, that is: where its suite cannot be had, a build names what is at fault."""
    pins = sources.pins()
    version = pins["mbedtls"][pins["suites"][0]]["version"]
    assert tuple(map(int, version.split("."))) >= max(versions.MENDED)


def test_a_release_that_is_too_old_is_refused(tree, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", str(tree("a", minor=24)))
    with pytest.raises(sources.SourceError, match="is 1.24.1: tlsresume wants 1.25 or later"):
        sources.micropython()


TABLE = """Before.
| MicroPython | Mbed TLS | unix port |
|---|---|---|
| 1.26.1 | 3.6.2 | 1 passed |
| 1.28.0 | 3.6.2 | 1 passed |
After.
"""


def test_the_table_gets_a_row_beside_or_instead_of_those_that_are_there():
    rows = (
        ["1.28.0", "3.6.2", "2 passed"],
        ["1.26.1", "3.6.7", "3 passed"],
        ["1.26.1", "3.6.2", ""],
    )
    before, _, rule, kept, *new, after = releases.table(TABLE, rows).splitlines()
    assert (before, after) == ("Before.", "After.")
    assert rule == "|---" * len(releases.HEAD) + "|"
    assert kept == "| 1.26.1 | 3.6.2 | 1 passed |"
    assert new == ["| 1.26.1 | 3.6.7 | 3 passed |", "| 1.28.0 | 3.6.2 | 2 passed |"]


def test_the_documents_table_is_what_is_made():
    text = releases.README.read_text()
    assert releases.table(text, []) == text


def test_what_passed_is_counted():
    suite = '<testsuites><testsuite tests="9" failures="1" errors="0" skipped="2"/></testsuites>'
    assert releases.summary(suite) == "6 passed, 1 failures, 2 skipped"


# In apt's place: the suites' packages are folders, and an index may name what is gone.
APT_GET = """#!/bin/sh
[ $1 = indextargets ] && exec echo 'Debian|Debian|http://192.0.2.1/debian/'
suite=$(sed -n 's,.*/debian/* \\([a-z]*\\) main,\\1,p' $(dirname $APT_CONFIG)/sources.list)
[ $1 = update ] && exec test -d {archive}/$suite
cp {archive}/$suite/$3_* . || exit 100
[ ! -e {archive}/$suite/gone ]
"""


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Debian's archive: `archive(suite, name, version)` puts a package there; gives its hash."""
    write(tmp_path / "bin/apt-get", APT_GET.format(archive=tmp_path))
    (tmp_path / "bin/apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(sources, "BUILD", tmp_path / "build")
    monkeypatch.setattr(sources, "PINNED", tmp_path / "build/src/micropython")
    monkeypatch.setattr(sources, "PINS", tmp_path / "sources.toml")

    def archive(suite, name, version):
        inner = tmp_path / f"{name}-{version}"
        write(inner / "lib/version", version)
        (tmp_path / suite).mkdir(exist_ok=True)
        packed = tmp_path / suite / f"{name}_{version}.orig.tar.xz"
        with tarfile.open(packed, "w:xz") as tar:
            tar.add(inner, inner.name)
        return hashlib.sha256(packed.read_bytes()).hexdigest()

    return archive


def pin(new, old):
    """Pin version 1.26.1 of `new` and 1.25.0 of `old`: hashes."""
    sources.PINS.write_text(f"""
suites = ["forky", "trixie"]
[micropython]
forky = {{ version = "1.26.1", sha256 = "{new}" }}
trixie = {{ version = "1.25.0", sha256 = "{old}" }}
place = "."
""")


def built():
    return (sources.pinned() / "lib/version").read_text()


def test_the_first_suite_serves(archive):
    pin(archive("forky", "micropython", "1.26.1"), archive("trixie", "micropython", "1.25.0"))
    assert built() == "1.26.1"


def test_a_later_release_of_the_series_stands_in(archive, capsys):
    archive("forky", "micropython", "1.26.2")
    pin("", archive("trixie", "micropython", "1.25.0"))
    assert built() == "1.26.2"
    assert "stands in for micropython 1.26.1" in capsys.readouterr().out


def test_a_suite_that_has_moved_on_is_stood_in_for_by_the_next(archive):
    archive("forky", "micropython", "1.28.0")
    pin("", archive("trixie", "micropython", "1.25.0"))
    assert built() == "1.25.0"


def test_a_suite_that_is_gone_is_stood_in_for_by_the_next_and_that_is_told(archive, capsys):
    pin("", archive("trixie", "micropython", "1.25.0"))
    assert built() == "1.25.0"
    said = capsys.readouterr().out
    assert "gives the sources of forky" in said
    assert "In its place: micropython_1.25.0.orig.tar.xz" in said


def test_a_mirror_whose_list_has_expired_will_do(archive, tmp_path):
    pin(archive("forky", "micropython", "1.26.1"), "")
    assert built() == "1.26.1"
    config = (tmp_path / "build/apt/apt.conf").read_text()
    assert 'Acquire::Check-Valid-Until "false";' in config


def test_an_archive_will_do_though_other_files_of_its_package_are_gone(archive, tmp_path):
    pin(archive("forky", "micropython", "1.26.1"), archive("trixie", "micropython", "1.25.0"))
    (tmp_path / "forky/gone").touch()
    assert built() == "1.26.1"


def test_an_archive_with_another_hash_is_refused(archive):
    archive("forky", "micropython", "1.26.1")
    pin("", archive("trixie", "micropython", "1.25.0"))
    with pytest.raises(sources.SourceError, match="is not the pinned one"):
        built()


def test_where_no_suite_has_it_all_that_went_wrong_is_told(archive, tmp_path):
    archive("forky", "micropython", "1.28.0")
    pin("", "")
    with pytest.raises(
        sources.Unreachable, match="(?s)1.26.1 is not in Debian's forky.*no mirror"
    ):
        sources._from_debian(tmp_path / "aside")
