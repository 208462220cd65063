"""What the documents and the examples tell people to do, done as it stands there."""

import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from counting_proxy import CountingProxy
from daemons import Mosquitto, Nginx
from documents import DOCUMENTS, ROOT, indented
from libraries import libraries
from microdot_server import MicrodotServer
from prelude import RTC, WORLD

from build import build

SNIPPETS = [
    (path.relative_to(ROOT), snippet)
    for path in DOCUMENTS
    for snippet in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)
]


@pytest.fixture
def nginx(certs, tmp_path, starter):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("hello")
    yield from starter(lambda **kwargs: Nginx(certs.world, tmp_path / "www", **kwargs))


@pytest.fixture
def mosquitto(certs, starter):
    yield from starter(lambda **kwargs: Mosquitto(certs.world, certs.ca.pem, **kwargs))


@pytest.fixture
def typed(micropython, certs, tmp_path):
    """Run a program as it stands, in a folder with ca.pem, where each host is `server`; again and
    again, as a board that wakes up. Returns the lines that it has printed."""

    def typed(program, server, times=1, firmware=micropython):
        shutil.copy(certs.ca.pem, tmp_path / "ca.pem")
        shutil.copy(f"{certs.a}.pem", tmp_path / "cert.pem")
        shutil.copy(f"{certs.a}.key", tmp_path / "key.pem")
        (tmp_path / "program.py").write_text(program)
        start = f"HOST, PORT = '127.0.0.1', {server.port}\n{WORLD}{RTC}\n"
        start += f"sys.path.append({str(libraries())!r})\n"
        wake = "exec(open('program.py').read(), {'__name__': '__main__'})\n"
        done = subprocess.run(
            [str(firmware), "-c", start + wake * times],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return typed


@pytest.mark.parametrize("version", ("TLSv1.2", "TLSv1.3"))
@pytest.mark.parametrize("path, snippet", SNIPPETS, ids=lambda x: str(x)[:20].strip())
def test_the_snippets_do_what_they_say(typed, nginx, path, snippet, version):
    said = typed(snippet, nginx(options=f"ssl_protocols {version};"))
    promised = re.findall(r"  # ((?:True|False)(?:, then \w+)*)$", snippet, re.M)
    assert [line for line in said if line in ("True", "False")] == ", then ".join(promised).split(
        ", then "
    ) * bool(promised)


def test_the_snippets_that_connect_say_that_they_resume():
    assert all("# False, then True" in snippet for _, snippet in SNIPPETS if ".com" in snippet)


def test_the_certificate_of_the_server_is_found_as_the_readme_says(server, certs):
    s = server()
    (line,) = (x for x in indented(ROOT / "README.md") if x.startswith("openssl"))
    done = subprocess.run(
        line.replace("example.com:443", f"localhost:{s.port}"),
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1].endswith("tlsresume test CA")


def test_every_link_leads_somewhere():
    for path in DOCUMENTS:
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text()):
            assert (path.parent / link).exists(), (path, link)


def program(name):
    return (ROOT / "lib" / "examples" / name).read_text()


def resumed(lines):
    return [line.endswith("resumed True") for line in lines if " resumed " in line]


# Of a program that runs once, and of one that is run at each wake-up.
WEB = ["with_requests.py", "with_asyncio.py"]


@pytest.mark.parametrize("version", ("TLSv1.2", "TLSv1.3"))
@pytest.mark.parametrize("name", WEB)
def test_a_web_example_resumes(typed, nginx, name, version):
    s = nginx(options=f"ssl_protocols {version};")
    assert resumed(typed(program(name), s)) == [False, True, True]
    assert s.reused() == [False, True, True]


@pytest.mark.parametrize("name", ("with_umqtt.py", "with_client_certificate.py"))
def test_an_mqtt_example_resumes(typed, mosquitto, certs, name):
    s = mosquitto(client_ca=certs.ca.pem if "certificate" in name else None)
    with closing(CountingProxy(s.port)) as proxy:
        assert resumed(typed(program(name), proxy)) == [False, True, True]
        proxy.wait(3)
    assert s.connected() == 3
    full, *rest = (into for _, into in proxy.counts)
    assert max(rest) < full  # the wire's word for it: mosquitto has none


def test_microdot_is_a_peer_to_resume_with(typed, certs):
    with closing(MicrodotServer(certs.world)) as s:
        assert resumed(typed(program("with_requests.py"), s)) == [False, True, True]
        assert s.reused() == 2


@pytest.mark.parametrize("key", (None, bytes(32)))
def test_the_deep_sleep_example_resumes_at_its_first_connection(typed, mosquitto, key, tmp_path):
    text = program("with_deep_sleep.py").replace("KEY = None", f"KEY = {key}")
    said = typed(text, mosquitto(), times=3)
    assert resumed(said) == [False, True, True]
    assert [line for line in said if "sleeps" in line] == ["sleeps 60000"] * 3
    assert (tmp_path / "sessions").exists() == (key is not None)


EXAMPLES = sorted(path.name for path in (ROOT / "lib" / "examples").glob("*.py"))
CLIENTS = [name for name in EXAMPLES if name != "with_microdot.py"]  # test_browser.py runs it


@pytest.mark.parametrize("name", CLIENTS)
def test_an_example_checks_the_server(typed, nginx, mosquitto, certs, name):
    s = nginx() if name in WEB else mosquitto()
    other = Path(certs.other_ca.pem).read_text()
    with pytest.raises(AssertionError, match="not correctly signed"):
        typed(f"open('ca.pem', 'w').write({other!r})\n" + program(name), s)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_tells_three_steps(name):
    assert re.findall(r"^ *(\d)\. ", program(name).split('"""')[1], re.M) == ["1", "2", "3"]


@pytest.mark.parametrize("name", CLIENTS)
def test_an_example_works_without_the_c_module(typed, nginx, mosquitto, certs, name):
    s = nginx() if name in WEB else mosquitto()
    plain = build("UNIX", "USER_C_MODULES=", name="UNIX_PLAIN")
    said = [line for line in typed(program(name), s, firmware=plain) if " resumed " in line]
    assert said and all(line.endswith("resumed None") for line in said)
