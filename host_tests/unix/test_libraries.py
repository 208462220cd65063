"""The libraries that people use, unmodified."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from daemons import Nginx
from libraries import libraries
from mpy import bundle

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def folder():
    return str(libraries())


@pytest.fixture
def nginx(certs, tmp_path, starter):
    yield from starter(lambda **kwargs: Nginx(certs.server, **kwargs))


def test_mip_installs_us_and_resumes_from_file_to_file(
    micropython, folder, nginx, tmp_path, certs
):
    package = json.loads((ROOT / "package.json").read_text())
    shutil.copytree(ROOT / "lib", tmp_path / "www" / "lib")
    s = nginx(root=tmp_path / "www")
    base = f"https://127.0.0.1:{s.port}/"
    # This release's mip knows no relative addresses.
    package["urls"] = [[target, base + path] for target, path in package["urls"]]
    (tmp_path / "www" / "package.json").write_text(json.dumps(package))
    install = f"""
import sys
sys.path.append({folder!r})
import tlsresume
tlsresume.install()
import mip
mip.install({base + "package.json"!r}, target={str(tmp_path / "out")!r})
"""
    subprocess.run([str(micropython), "-c", install], check=True, timeout=60)
    installed = {p.name for p in (tmp_path / "out" / "tlsresume").iterdir()}
    assert installed == {p.name for p in (ROOT / "lib" / "tlsresume").glob("*.py")}
    assert s.reused() == [False] + [True] * len(installed)
    use = f"sys.path.insert(0, {str(tmp_path / 'out')!r})\nimport tlsresume, tlsresume.store"
    subprocess.run([str(micropython), "-c", "import sys\n" + use], check=True)


def test_the_mpy_bundle_is_whole_and_runs(micropython, tmp_path):
    folder = bundle(tmp_path / "mpy")
    package = json.loads((folder / "package.json").read_text())
    for target, path in package["urls"]:
        (tmp_path / target).parent.mkdir(exist_ok=True)
        shutil.copy(folder / path, tmp_path / target)
    use = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
    use += "import tlsresume, tlsresume.store\ntlsresume.SSLContext\nprint(tlsresume.__path__)"
    done = subprocess.run(
        [str(micropython), "-c", use], capture_output=True, text=True, check=True
    )
    assert str(tmp_path) in done.stdout


def test_the_package_lists_every_module():
    package = json.loads((ROOT / "package.json").read_text())
    listed = {path for _, path in package["urls"]}
    assert listed == {f"lib/tlsresume/{p.name}" for p in (ROOT / "lib/tlsresume").glob("*.py")}


def test_there_is_one_version_number():
    sys.path.insert(0, str(ROOT / "lib"))
    import tlsresume

    package = json.loads((ROOT / "package.json").read_text())
    manifest = (ROOT / "lib" / "manifest.py").read_text()
    assert package["version"] == tlsresume.__version__
    assert f'version="{tlsresume.__version__}"' in manifest


# What aiohttp of micropython-lib asks of a stream: an HTTP/1.0 request a connection.
STREAM = """
import asyncio
tlsresume.install()
async def get():
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, ssl=True)
    await writer.awrite(b"GET /page HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")
    line = await reader.readline()
    while line != b"\\r\\n":
        line = await reader.readline()
    body = await reader.read(-1)
    await reader.aclose()
    return body.decode()
async def main():
    return [await get(), await get(), await get()]
result(bodies=asyncio.run(main()))
"""


@pytest.mark.parametrize("version", ("TLSv1.2", "TLSv1.3"))
def test_streams_read_to_their_end_resume(run, nginx, tmp_path, version):
    (tmp_path / "page").write_text("hello")
    s = nginx(root=tmp_path, options=f"ssl_protocols {version};")
    assert run(STREAM, PORT=s.port)["bodies"] == ["hello"] * 3
    assert s.reused() == [False, True, True]
