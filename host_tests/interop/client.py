"""The client: an SSLContext of ours on MicroPython, for as many connections as are asked for."""

import json
import subprocess

from prelude import PRELUDE

_SCRIPT = """
ctx = client(reuse_tickets=REUSE)
if CERTIFICATE:
    ctx.load_cert_chain(CERTIFICATE + ".pem", CERTIFICATE + ".key")
def talk(request, answer):
    offered = ctx.session_stats()["offered"]
    s = connect(ctx, PORT)
    s.write(request)
    got = bytearray()
    while not got.endswith(answer):
        more = s.read(1)
        if not more:
            raise OSError("closed early")
        got.extend(more)
    reused = s.session_reused
    s.close()
    why = ctx.sessions.miss
    offered = ctx.session_stats()["offered"] - offered
    return dict(reused=reused, offered=offered, miss=why, answer=str(got, "utf-8", "ignore"))
while True:
    line = sys.stdin.readline()
    if not line:
        break
    if line == "forget\\n":
        ctx.sessions.clear()
        continue
    try:
        told = talk(*(bytes.fromhex(one) for one in line.split()))
    except (OSError, ValueError) as e:
        told = dict(error=str(e))
    result(**told)
"""


class Client:
    """Connects to `port` of 127.0.0.1; `ca` in DER, `certificate` its own, a path without suffix;
    `reuse_tickets` as in SSLContext."""

    def __init__(self, micropython, port, ca, certificate=None, reuse_tickets=False):
        given = f"HOST = '127.0.0.1'\nPORT = {port}\nCA = {ca!r}\n"
        given += f"CERTIFICATE = {certificate!r}\nREUSE = {reuse_tickets}\n"
        self._process = subprocess.Popen(
            [str(micropython), "-c", given + PRELUDE + _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def talk(self, request, answer):
        """Connect, send, wait for the answer, close. Returns a dict: `reused`, `offered`, why
        not (`miss`), and the `answer`; or the `error`."""
        self._tell(f"{request.hex()} {answer.hex()}")
        line = self._process.stdout.readline()
        if not line.startswith("RESULT "):
            raise RuntimeError(line + self._process.stdout.read())
        return json.loads(line[len("RESULT ") :])

    def forget(self):
        """Lose all sessions."""
        self._tell("forget")

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _tell(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
