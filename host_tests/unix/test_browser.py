"""A browser loads a page with pictures from a board, again and again."""

import base64
import hashlib
import itertools
import subprocess

import pytest
from command import find, start
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from examples import example
from libraries import libraries
from ports import free_port

PICTURES = 8
LOADS = 4

# One page that loads the example's one after the other, in frames, from no cache.
AGAIN = """
AGAIN = '''<body><script>
let loads = 0;
function next() {
    if (loads++ == %d) return;
    const frame = document.createElement("iframe");
    frame.onload = next;
    frame.src = "/?" + loads;
    document.body.append(frame);
}
next();
</script></body>'''
@app.get("/again")
async def again(request):
    return AGAIN, {"Content-Type": "text/html"}
@app.after_request
async def fresh(request, response):
    response.headers["Cache-Control"] = "no-store"
    if request.path == "/":
        s = ctx.session_stats()
        print("LOAD", s["full"] + s["declined"], s["hits"])
"""


@pytest.fixture
def board(micropython, micropython_tls12, certs):
    """Run the example: `board(version, prelude)`; returns its port and its process."""
    started = []

    def board(version, program=""):
        port = free_port()
        text = example(
            "with_microdot.py",
            CERTIFICATE=f"{certs.server}.pem",
            KEY=f"{certs.server}.key",
            PORT=port,
        )
        at = text.index("app.run(")
        script = f"import sys\nsys.path.append({str(libraries())!r})\n{text[:at]}{program}"
        script += f"print('READY')\n{text[at:]}"
        firmware = {"1.2": micropython_tls12, "1.3": micropython}[version]
        command = [firmware, "-X", "heapsize=16M", "-c", script]
        started.append(start("micropython", command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "READY\n"
        return port, started[-1]

    yield board
    for process in started:
        process.terminate()
        process.wait()


def browse(url, certificate, profile):
    """What Chromium makes of a page that has loaded, as HTML."""
    pem = certificate.with_suffix(".pem").read_bytes()
    key = x509.load_pem_x509_certificate(pem).public_key()
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    trusted = base64.b64encode(hashlib.sha256(key.public_bytes(*form)).digest()).decode()
    command = [find("chromium", "chromium"), "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={trusted}"]
    done = subprocess.run(
        [*command, "--dump-dom", url], capture_output=True, text=True, timeout=120
    )
    return done.stdout


def load(board, certs, folder, version):
    """`[full, resumed]` handshakes up to each load of the page, by the board's word."""
    port, process = board(version, AGAIN % LOADS)
    page = browse(f"https://localhost:{port}/again", certs.server, folder)
    assert page.count("<iframe") == LOADS
    process.terminate()
    lines = [line.split() for line in process.stdout]
    return [[int(n) for n in numbers] for word, *numbers in lines if word == "LOAD"]


def test_in_tls12_a_browser_resumes_all_but_the_first_connections(board, certs, tmp_path):
    loads = load(board, certs, tmp_path, "1.2")
    full, resumed = zip(*loads, strict=True)
    # The browser connects twice at once, where it comes for the first time, and may keep one of
    # the connections for its second load.
    assert len(loads) == LOADS and set(full) == {full[0]} and full[0] <= 2
    second, *later = (b - a for a, b in itertools.pairwise(resumed))
    each = 1 + PICTURES
    assert second in (each - 1, each) and set(later) == {each}


def test_in_tls13_a_browser_resumes_as_far_as_its_tickets_go(board, certs, tmp_path):
    # Each is good for one connection, and Chromium keeps two of them.
    (full, resumed), *later = load(board, certs, tmp_path, "1.3")
    assert len(later) == LOADS - 1
    for n, (more_full, more_resumed) in enumerate(later, 1):
        assert more_full - full + more_resumed - resumed == n * (1 + PICTURES)
        assert more_resumed - resumed >= n * 2
