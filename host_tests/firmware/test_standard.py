"""Upstream's unix port in its standard variant, with what firmware/README.md adds."""

import documents
import pytest

# Debian's sources have neither libffi, Berkeley DB nor micropython-lib, which the variant freezes.
WITHOUT = ("MICROPY_STANDALONE=0", "MICROPY_PY_BTREE=0")


@pytest.fixture(scope="session")
def standard(make):
    said = documents.command("firmware/README.md", "make -C ports/unix")[3:]
    ours = {".../tlsresume": documents.ROOT, "...": documents.ROOT / "boards" / "UNIX"}
    for dots, folder in ours.items():
        said = [variable.replace(dots, str(folder)) for variable in said]
    return make("unix", "UNIX_STANDARD", *said, *WITHOUT) / "micropython"


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
