"""A broker's address with TLS, and an authority that nobody knows but who is given it."""

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from names import BROKER

# The first bytes of a client that is content with the certificate.
GREETING = b"AMQP\x00\x00\x09\x01"
# Short keys, for a day.
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "1")


class Broker:
    """Says hello and no more: what it hears is whether its certificate was accepted."""

    def __init__(self, folder: Path) -> None:
        self.certificate = authority(folder)
        self.heard: list[bytes | str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "broker.crt", folder / "broker.key")
        self.socket = context.wrap_socket(
            socket.create_server(("127.0.0.1", 0)), server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        return f"amqps://guest:guest@{BROKER}:{self.socket.getsockname()[1]}/deskmesh"

    def close(self) -> None:
        self.socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                with client:
                    client.settimeout(5)
                    try:
                        client.do_handshake()
                        self.heard.append(client.recv(len(GREETING)))
                    except OSError as error:
                        self.heard.append(str(error))


def authority(folder: Path) -> Path:
    """Makes an authority and the broker's certificate; returns the authority's."""
    folder.mkdir(parents=True, exist_ok=True)
    make = ["openssl", "req", "-x509", *KEY]
    names = [
        "-subj",
        f"/CN={BROKER}",
        "-addext",
        f"subjectAltName=DNS:{BROKER}",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]
    for command in (
        [*make, "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.crt"],
        [
            *make,
            *names,
            "-CA",
            "authority.crt",
            "-CAkey",
            "authority.key",
            "-keyout",
            "broker.key",
            "-out",
            "broker.crt",
        ],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    certificate = folder / "authority.crt"
    certificate.chmod(0o444)
    return certificate
