"""An image run by runc as a kubelet would run the pod, on this machine's network."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from image import Image
from pods import Pod


@dataclass
class Container:
    """A container that was started."""

    name: str
    state: Path
    process: subprocess.Popen
    pid_file: Path
    lines: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The program, as this machine numbers it; 0 while there is none."""
        return int(self.pid_file.read_text() or 0) if self.pid_file.exists() else 0

    @property
    def output(self) -> str:
        return "".join(self.lines)[-3000:]

    def signal(self, name: str) -> None:
        subprocess.run(
            [*runc(self.state), "kill", self.name, name], check=True, capture_output=True
        )

    def executes(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*runc(self.state), "exec", self.name, *command],
            capture_output=True,
            text=True,
            check=False,
        )

    def ended(self, seconds: float) -> int | None:
        """Its code, if it ends in that time."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None

    def remove(self) -> None:
        subprocess.run(
            [*runc(self.state), "delete", "--force", self.name], check=False, capture_output=True
        )
        self.ended(10)


def runc(state: Path) -> list[str]:
    return ["runc", "--root", str(state)]


def start(name: str, image: Image, config: dict[str, Any], state: Path) -> Container:
    """Runs what the configuration says; the output goes through a pipe, as a container runtime's
    shim has it.
    """
    (image.bundle / "config.json").write_text(json.dumps(config, indent=2))
    state.mkdir(parents=True, exist_ok=True)
    pid_file = image.bundle / "pid"
    pid_file.unlink(missing_ok=True)
    command = [
        *runc(state),
        "run",
        "--bundle",
        str(image.bundle),
        "--pid-file",
        str(pid_file),
        name,
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    container = Container(name, state, process, pid_file)
    threading.Thread(target=lambda: container.lines.extend(process.stdout), daemon=True).start()
    return container


def configuration(
    image: Image, pod: Pod, settings: dict[str, str], mounts: dict[str, Path]
) -> dict[str, Any]:
    """What a kubelet makes of the pod, without a network of its own. User and program are the
    image's.
    """
    config = image.runtime()
    context = pod.container["securityContext"]
    process = config["process"]
    process["terminal"] = False
    process["args"] += pod.container["args"]
    process["env"] += [f"{name}={value}" for name, value in settings.items()]
    process["noNewPrivileges"] = not context["allowPrivilegeEscalation"]
    if "ALL" in context["capabilities"]["drop"]:
        process["capabilities"] = {kind: [] for kind in process["capabilities"]}
    config["root"]["readonly"] = context["readOnlyRootFilesystem"]
    linux = config["linux"]
    linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] != "network"]
    limit = mebibytes(pod)
    # Without swap beyond it, as in a cluster.
    linux["resources"]["memory"] = {"limit": limit, "swap": limit}
    for target, source in mounts.items():
        config["mounts"].append(bound(target, source))
    return config


def bound(target: str, source: Path) -> dict[str, Any]:
    """A file or folder of this machine, to be read."""
    return {"destination": target, "type": "bind", "source": str(source), "options": ["bind", "ro"]}


def mebibytes(pod: Pod) -> int:
    """The memory limit in bytes."""
    given = pod.container["resources"]["limits"]["memory"]
    if not given.endswith("Mi"):
        raise ValueError(f"{pod.title} has a memory limit of {given}, which is not in Mi")
    return int(given[:-2]) * 1024 * 1024


def once(
    name: str, image: Image, config: dict[str, Any], state: Path, seconds: float
) -> tuple[int | None, Container]:
    """Runs to its end; the code is none when it does not come to one."""
    container = start(name, image, config, state)
    code = container.ended(seconds)
    if code is not None:
        time.sleep(0.1)  # for the last lines to be read
    container.remove()
    return code, container
