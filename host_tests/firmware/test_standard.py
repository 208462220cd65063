"""Upstream's unix port in its standard variant, with nothing but USER_C_MODULES of ours."""

import pytest
import sources

# Debian's sources have neither libffi, Berkeley DB nor micropython-lib, which the variant freezes.
WITHOUT = ("MICROPY_STANDALONE=0", "MICROPY_PY_BTREE=0")


@pytest.fixture(scope="session")
def standard(make):
    modules = f"USER_C_MODULES={sources.ROOT / 'firmware'}"
    frozen = f"FROZEN_MANIFEST={sources.ROOT / 'boards' / 'UNIX' / 'manifest.py'}"
    return make("unix", "UNIX_STANDARD", modules, frozen, *WITHOUT) / "micropython"


def test_the_module_is_there(run, standard):
    got = run("import _tlsresume\nresult(available=tlsresume.available)", firmware=standard)
    assert got == {"available": True}


def test_it_resumes(run, standard, server):
    s = server(version="1.2")
    got = run(
        "ctx = client()\nresult(r=[once(ctx, PORT) for _ in range(3)])",
        firmware=standard,
        PORT=s.port,
    )
    assert got["r"] == [False, True, True] == s.reused(3)
