"""What the manifests say, run as processes on a real broker and database: the same commands,
settings, Secrets and probes.

Started by `check.sh processes`, with AMQP_URL, MANAGEMENT_URL and DATABASE_URL of servers that may
be thrown away. It follows infra/kubernetes/README.md: credentials.py, the definitions, the roles
and schemas, the migrations, the services.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pods import Pod, edges, pods
from render import Render, render_all
from tree import EDGES, Tree, load

DATABASE = "deskmesh_platform"
# Settings that name a file or a folder: in a pod, below a volume.
PATHS = ("_FILE", "__FOLDER")


def main() -> int:
    tree = Tree(Path(__file__).resolve().parents[2])
    renders, problems = render_all(tree, [("development", tuple(sorted(EDGES)))])
    if problems:
        sys.exit("\n".join(problems))
    render = renders[0]
    secrets = provision(tree)
    for pod in of(render, "migrate"):
        done = subprocess.run(
            command(tree, pod),
            env=environment(tree, render, pod, secrets),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        told(pod, "migrated", done.returncode == 0, done.stdout + done.stderr)
    running = []
    for pod in of(render, "run"):
        if pod.service in EDGES:
            let_operate(tree, pod.service)
        process, port = start(tree, render, pod, secrets)
        running.append((pod, process, port))
        probe = {
            name: pod.container[name]["httpGet"]["path"]
            for name in ("livenessProbe", "readinessProbe")
        }
        ready = wait(
            lambda port=port, probe=probe: all(answers(port, path) for path in probe.values()), 60
        )
        told(
            pod,
            f"answers {' and '.join(probe.values())}",
            ready and process.poll() is None,
            log(tree, pod),
        )
    for pod, process, _ in running:
        begin = time.monotonic()
        process.terminate()
        code = process.wait(timeout=pod.spec["terminationGracePeriodSeconds"])
        told(
            pod,
            f"stopped after {time.monotonic() - begin:.1f} s with code {code}",
            code == 0,
            log(tree, pod),
        )
    return 0


def provision(tree: Tree) -> dict[str, dict[str, str]]:
    """The README's steps for a broker and a database that are there; returns the Secrets."""
    folder = tree.work / "credentials"
    shutil.rmtree(folder, ignore_errors=True)
    broker, database = urlsplit(os.environ["AMQP_URL"]), urlsplit(os.environ["DATABASE_URL"])
    hosts = [f"{url.hostname}:{url.port}" for url in (broker, database)]
    subprocess.run(
        [
            tree.kubernetes / "credentials.py",
            "--broker",
            f"amqp://{hosts[0]}",
            "--database",
            f"postgres://{hosts[1]}/{DATABASE}",
            folder,
        ],
        check=True,
    )
    management("POST", "/api/definitions", (folder / "definitions.json").read_bytes())
    psql(os.environ["DATABASE_URL"], "--command", f"create database {DATABASE}")
    psql(urlunsplit(database._replace(path=f"/{DATABASE}")), "--file", str(folder / "database.sql"))
    return {one["metadata"]["name"]: one["stringData"] for one in load(folder / "secrets.yaml")}


def let_operate(tree: Tree, edge: str) -> None:
    """The edge's broker user, by the README's command; the services of the line answer it."""
    management, broker = urlsplit(os.environ["MANAGEMENT_URL"]), urlsplit(os.environ["AMQP_URL"])
    passwords = tree.work / "credentials/passwords"
    operator = (
        f"operator:{(passwords / 'broker.operator').read_text().strip()}"
        f"@{broker.hostname}:{broker.port}"
    )
    addresses = {
        "DESKMESH_MANAGEMENT_URL": management.geturl(),
        "DESKMESH_BROKER_URL": f"amqp://{operator}/deskmesh",
    }
    program = binaries(tree) / "deskmesh-operator"
    arguments = [
        "account",
        "add",
        edge,
        "--may-operate",
        "--secret",
        str(passwords / f"broker.{edge}"),
    ]
    subprocess.run(
        [program, *arguments],
        env={**os.environ, **addresses},
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )


def psql(url: str, *arguments: str) -> None:
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url, *arguments], check=True
    )


def management(method: str, path: str, body: bytes) -> None:
    url = urlsplit(os.environ["MANAGEMENT_URL"])
    login = b64encode(f"{url.username or 'guest'}:{url.password or 'guest'}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"http://{url.hostname}:{url.port}{path}", body, headers, method=method
    )
    urllib.request.urlopen(request, timeout=60).close()


def of(render: Render, wanted: str) -> list[Pod]:
    """Edges last: the others have to run for one to be registered."""
    return [pod for pod in (*pods(render), *edges(render)) if pod.command == wanted]


def binaries(tree: Tree) -> Path:
    return Path(os.environ.get("BINARIES", tree.root / "target/debug"))


def command(tree: Tree, pod: Pod) -> list[str]:
    return [str(binaries(tree) / pod.service), *pod.container["args"]]


def environment(
    tree: Tree, render: Render, pod: Pod, secrets: dict[str, dict[str, str]]
) -> dict[str, str]:
    """The pod's settings, and nothing else; its volumes become folders."""
    root = tree.work / "volumes" / pod.title
    mounts = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
    for volume in pod.spec["volumes"]:
        for item in volume.get("secret", {}).get("items", []):
            path = root / mounts[volume["name"]].lstrip("/") / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets[volume["secret"]["secretName"]][item["key"]])
        if "persistentVolumeClaim" in volume:
            (root / mounts[volume["name"]].lstrip("/")).mkdir(parents=True, exist_ok=True)
    settings = pod.settings(render)
    return {
        name: f"{root}{value}" if name.endswith(PATHS) else value
        for name, value in settings.items()
    }


def start(
    tree: Tree, render: Render, pod: Pod, secrets: dict[str, dict[str, str]]
) -> tuple[subprocess.Popen, int]:
    """Starts a service; all of them share this machine's address, so each gets a port of its
    own.
    """
    settings = environment(tree, render, pod, secrets)
    listens = {name for name in settings if name.endswith("__LISTEN")} | {"DESKMESH__HTTP__LISTEN"}
    settings |= {name: f"127.0.0.1:{free_port()}" for name in sorted(listens)}
    port = int(settings["DESKMESH__HTTP__LISTEN"].rpartition(":")[2])
    with (tree.work / f"{pod.service}.log").open("w") as output:
        return subprocess.Popen(
            command(tree, pod), env=settings, stdout=output, stderr=output
        ), port


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def log(tree: Tree, pod: Pod) -> str:
    return (tree.work / f"{pod.service}.log").read_text()[-2000:]


def told(pod: Pod, what: str, well: bool, detail: str) -> None:
    print(f"{'ok' if well else 'FAILED':<7} {pod.title} {what}", flush=True)
    if not well:
        sys.exit(detail)


if __name__ == "__main__":
    sys.exit(main())
