"""`openssl s_server` as a context manager."""

import subprocess

from command import ToolError, start
from ports import free_port


class OpenSSLServer:
    """A running `openssl s_server` on `address` and a free port (`port`).

    `certificate` is a path without suffix; `options` are passed through ("-tls1_2",
    "-no_ticket", ...). It echoes lines backwards with "-rev", and answers HTTP
    requests ("-www") unless the options say otherwise.
    Raises ToolError where openssl is not installed, or does not start.
    """

    def __init__(self, certificate, *options, port=None, address="127.0.0.1"):
        self.port = port or free_port()
        command = ["openssl", "s_server", "-accept", f"{address}:{self.port}"]
        command += ["-cert", f"{certificate}.pem", "-key", f"{certificate}.key"]
        if not {"-rev", "-www", "-WWW"} & set(options):
            options = ("-www", *options)
        self._process = start(
            "openssl",
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.startswith("ACCEPT"):
                return
        raise ToolError("openssl s_server: " + "".join(said))

    def close(self):
        self._process.terminate()
        self._process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
