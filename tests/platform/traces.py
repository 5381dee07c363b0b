"""Traces through a third party's collector: the services export to rotel, rotel to the test that
looks at every span.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

import rotel

# The whole workspace, so that what is built already is used.
TEST = ["cargo", "test", "--quiet", "--workspace", "--test", "it", "spans::"]
LIMIT = 20


def free_ports(count):
    """Ports that nobody listens on, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main():
    http, grpc, onward = free_ports(3)
    agent = pathlib.Path(rotel.__file__).with_name("rotel-agent")
    settings = {
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": f"http://127.0.0.1:{onward}",
        "--otlp-exporter-protocol": "http",
    }
    collector = subprocess.Popen(
        [agent, "start", *(word for pair in settings.items() for word in pair)]
    )
    try:
        deadline = time.monotonic() + LIMIT
        while not listens(http):
            if collector.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"rotel does not listen on port {http}; it ended with {collector.poll()}")
            time.sleep(0.1)
        between = {
            "OTLP_COLLECTOR": f"http://127.0.0.1:{http}",
            "OTLP_LISTEN": f"127.0.0.1:{onward}",
        }
        return subprocess.run(TEST, env=os.environ | between, check=False).returncode
    finally:
        collector.terminate()
        collector.wait()


if __name__ == "__main__":
    sys.exit(main())
