"""What has to hold of a container that runs. Each function yields what is wrong."""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from container import Container, mebibytes
from image import Image
from names import BROKER, DOMAIN, Names
from pods import Pod
from processes import answers, wait

USER = 65532
NO_CAPABILITIES = "0" * 16
# How long a service may take to be ready.
READY_SECONDS = 30


@dataclass
class Running:
    """A service that was started from its image."""

    image: Image
    pod: Pod
    container: Container
    port: int
    names: Names
    # What was in the image before it started.
    before: dict[str, tuple[int, int]]
    # What the runtime puts over the image: its own places, names, Secrets.
    mounted: tuple[str, ...]
    # For the reader: the most memory it took, in MiB, and the seconds it took to stop.
    peak: int = 0
    stopped_after: float = 0


def probes(one: Running) -> Iterator[str]:
    """/livez and /readyz answer 200: broker and database were found by name and let it in."""
    for probe in ("livenessProbe", "readinessProbe"):
        path = one.pod.container[probe]["httpGet"]["path"]
        if not wait(
            lambda path=path: one.container.process.poll() is not None or answers(one.port, path),
            READY_SECONDS,
        ):
            yield f"{path} does not answer"
        elif one.container.process.poll() is not None:
            yield f"it ended with {one.container.process.returncode} before {path} answered"
            return


def names(one: Running) -> Iterator[str]:
    """The static program asks the name server of resolv.conf, with its search domain."""
    if f"{BROKER}.{DOMAIN}" not in one.names.asked:
        yield f"nobody asked the name server for {BROKER}.{DOMAIN}"


def identity(one: Running) -> Iterator[str]:
    """The kernel says: user and group 65532, no capability, no way to new ones, nothing above it
    but a read-only root.
    """
    status = dict(
        line.split(":\t", 1) for line in _proc(one, "status").splitlines() if ":\t" in line
    )
    for key in ("Uid", "Gid"):
        if set(status[key].split()) != {str(USER)}:
            yield f"its {key} is {status[key]}, not {USER}"
    for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if status[key] != NO_CAPABILITIES:
            yield f"it has capabilities: {key} is {status[key]}"
    if status["NoNewPrivs"] != "1":
        yield "it could get new privileges"
    root = next(
        line.split() for line in _proc(one, "mountinfo").splitlines() if line.split()[4] == "/"
    )
    if "ro" not in root[5].split(","):
        yield f"its root file system can be written: {root[5]}"


def no_shell(one: Running) -> Iterator[str]:
    """Nothing but the service can be started in it."""
    for shell in ("/bin/sh", "sh", "/busybox/sh", "/bin/bash"):
        if one.container.executes(shell, "-c", "exit 0").returncode == 0:
            yield f"{shell} can be run in it"


def memory(one: Running) -> Iterator[str]:
    """The kernel holds it to the manifest's limit, and it stays below half of it when idle."""
    limit, peak = (_memory(one, name) for name in ("limit_in_bytes", "max_usage_in_bytes"))
    if limit != mebibytes(one.pod):
        yield f"its memory limit is {limit}, not {mebibytes(one.pod)}"
    one.peak = peak >> 20
    if peak * 2 > limit:
        yield f"it took {one.peak} MiB before it did anything"


def writes(one: Running) -> Iterator[str]:
    """It has written nothing: no byte to a disk, no open file, nothing in the image or in shared
    memory.
    """
    written = dict(line.split(": ") for line in _proc(one, "io").splitlines())["write_bytes"]
    if written != "0":
        yield f"it has written {written} bytes to a disk"
    for descriptor in Path(f"/proc/{one.container.pid}/fd").iterdir():
        flags = int(_proc(one, f"fdinfo/{descriptor.name}").split("flags:\t")[1].split()[0], 8)
        if flags & (os.O_WRONLY | os.O_RDWR) and stat.S_ISREG(descriptor.stat().st_mode):
            yield f"it holds {descriptor.readlink()} open for writing"
    for path in Path("/proc", str(one.container.pid), "root", "dev", "shm").iterdir():
        yield f"it has made /dev/shm/{path.name}"
    after = tree(one.image, one.mounted)
    for path in sorted(set(after.items()) ^ set(one.before.items())):
        yield f"{path[0]} is not what it was before"


def stops(one: Running) -> Iterator[str]:
    """SIGTERM ends it with 0 within the pod's grace period."""
    grace = one.pod.spec["terminationGracePeriodSeconds"]
    begin = time.monotonic()
    one.container.signal("TERM")
    code = one.container.ended(grace)
    one.stopped_after = time.monotonic() - begin
    if code is None:
        yield f"it still runs {grace} s after SIGTERM"
    elif code != 0:
        yield f"SIGTERM ended it with {code}, not with 0"


def tree(image: Image, mounted: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """What lies in the image, by path: size and time. What is mounted over it does not count."""
    found = {}
    for folder, below, files in os.walk(image.root):
        for name in (*below, *files):
            path = Path(folder) / name
            inside = f"/{path.relative_to(image.root)}"
            if not any(
                place == inside or place.startswith(f"{inside}/") or inside.startswith(f"{place}/")
                for place in mounted
            ):
                status = path.lstat()
                found[inside] = (status.st_size, status.st_mtime_ns)
    return found


def _proc(one: Running, name: str) -> str:
    return Path(f"/proc/{one.container.pid}/{name}").read_text()


def _memory(one: Running, name: str) -> int:
    """A figure of its control group; version 2 has other names and no maximum before Linux 5.19."""
    groups = [line.split(":", 2) for line in _proc(one, "cgroup").splitlines()]
    first = next(
        (path for _, controllers, path in groups if "memory" in controllers.split(",")), None
    )
    if first is not None:
        return int(
            (Path("/sys/fs/cgroup/memory") / first.lstrip("/") / f"memory.{name}").read_text()
        )
    second = next(path for number, _, path in groups if number == "0")
    modern = {"limit_in_bytes": "memory.max", "max_usage_in_bytes": "memory.peak"}[name]
    return int((Path("/sys/fs/cgroup") / second.lstrip("/") / modern).read_text())


# In this order: the last one ends it.
CHECKS = (probes, names, identity, no_shell, memory, writes, stops)
