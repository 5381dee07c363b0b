"""What whoever is on call types first, typed here: the runbooks' first commands, on a real broker
and database with the services running.

Started by `check.sh on-call`, with AMQP_URL, MANAGEMENT_URL and DATABASE_URL of servers that may be
thrown away, and SERVERS, the folder in which they are. What `kubectl exec` hands to a service is
given to that service's program here; other kubectl commands have no cluster to ask, and are
counted.

Then the same as a newcomer types them: what `make up` prints is sourced, and each line is pasted
into that shell as it stands in the runbook.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import metrics
import processes
import runbooks
from pods import Pod
from render import Render, render_all
from tree import Tree

BROKER_TOOLS = ("rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-plugins")
IN_A_POD = re.compile(r"kubectl -n deskmesh exec deploy/([\w-]+) -- /service (.+)")
SECONDS = 120
# Debian's own wrapper in front of these becomes the package's user, who has another cookie.
TOOLS = Path("/usr/lib/rabbitmq/bin")


def main() -> int:
    tree = Tree(Path(__file__).resolve().parents[2])
    renders, problems = render_all(tree, [("development", ())])
    if problems:
        sys.exit("\n".join(problems))
    secrets = processes.provision(tree)
    for pod in processes.of(renders[0], "migrate"):
        settings = processes.environment(tree, renders[0], pod, secrets)
        subprocess.run(
            processes.command(tree, pod), env=settings, check=True, capture_output=True, timeout=300
        )
    running = [
        (pod, *processes.start(tree, renders[0], pod, secrets))
        for pod in processes.of(renders[0], "run")
    ]
    try:
        for pod, _, port in running:
            if not processes.wait(lambda port=port: processes.answers(port, "/readyz"), 60):
                sys.exit(f"{pod.title} does not become ready:\n{processes.log(tree, pod)}")
        ports = {pod.service: port for pod, _, port in running}
        failed = commands(tree, renders[0], secrets, ports) + registered(tree)
    finally:
        for _, process, _ in running:
            process.terminate()
            process.wait(timeout=60)
    failed += pasted(tree)
    return 1 if failed else 0


def pasted(tree: Tree) -> int:
    """Pastes them into a shell after `make up`, as they stand in the runbooks; tells how many
    failed.
    """
    binaries = Path(os.environ.get("BINARIES", tree.root / "target/debug"))
    # Programs keep what they start beside themselves: another `make up` of this clone is left
    # alone.
    own = tree.work / "newcomer/debug"
    shutil.rmtree(own.parent, ignore_errors=True)
    own.mkdir(parents=True)
    for name in ("deskmesh-local", "deskmesh-operator", *tree.services()):
        os.link(binaries / name, own / name)
    given = ("AMQP_URL", "MANAGEMENT_URL", "DATABASE_URL", "SERVERS")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in given and not name.startswith("DESKMESH")
    }
    local = str(own / "deskmesh-local")
    failed, elsewhere = 0, 0
    try:
        subprocess.run(
            [local, "up"], env=environment, check=True, capture_output=True, text=True, timeout=300
        )
        for path in runbooks.every(tree):
            for line in runbooks.first_commands(path):
                shell = f". {own.parent}/local/env && {line}"
                # No pager and no questions: a newcomer's terminal has both, this has none.
                done = subprocess.run(
                    ["sh", "-c", shell],
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    check=False,
                )
                if done.returncode and "this is for a cluster" in done.stderr:
                    elsewhere += 1
                    continue
                if done.returncode:
                    failed += 1
                    print(f"FAILED  pasted, {path.stem}: {line[:110]}", flush=True)
                    print(f"        {(done.stdout + done.stderr).strip()[-600:]}", flush=True)
    except subprocess.CalledProcessError as error:
        failed += 1
        print(f"FAILED  `deskmesh-local up`: {(error.stdout + error.stderr)[-600:]}")
    finally:
        subprocess.run(
            [local, "down"], env=environment, check=False, capture_output=True, timeout=120
        )
    print(f"pasted after `make up`: {failed} failed; {elsewhere} are for a cluster, and say so")
    return failed


def commands(
    tree: Tree, render: Render, secrets: dict[str, dict[str, str]], ports: dict[str, int]
) -> int:
    """Runs them; tells how many failed."""
    pods = {pod.service: pod for pod in processes.of(render, "run")}
    failed, unchecked = 0, 0
    for path in runbooks.every(tree):
        for line in runbooks.first_commands(path):
            runs = _runnable(tree, render, secrets, pods, ports, line)
            if runs is None:
                unchecked += 1
                continue
            words, environment = runs
            done = subprocess.run(
                words, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            print(
                f"{'ok' if done.returncode == 0 else 'FAILED':<7} {path.stem}: {line[:110]}",
                flush=True,
            )
            if done.returncode != 0:
                failed += 1
                print(f"        {(done.stdout + done.stderr).strip()[-600:]}", flush=True)
    print(f"{failed} failed; {unchecked} commands of kubectl itself have no cluster here")
    return failed


def _runnable(
    tree: Tree,
    render: Render,
    secrets: dict[str, dict[str, str]],
    pods: dict[str, Pod],
    ports: dict[str, int],
    line: str,
) -> tuple[list[str], dict[str, str]] | None:
    """The words and the environment of a command as it runs here."""
    binaries = Path(os.environ.get("BINARIES", tree.root / "target/debug"))
    in_a_pod = IN_A_POD.fullmatch(line)
    if in_a_pod:
        pod = pods[in_a_pod[1]]
        return [str(binaries / pod.service), *shlex.split(in_a_pod[2])], processes.environment(
            tree, render, pod, secrets
        )
    if line.startswith("kubectl"):
        # One that only wraps a tool of the broker runs as that tool.
        wrapped = re.search(r" -- (rabbitmq\S+ .+)$", line)
        if not wrapped:
            return None
        line = wrapped[1]
    words = shlex.split(line)
    if words[0] in BROKER_TOOLS:
        tool = TOOLS / words[0]
        return [str(tool if tool.exists() else words[0]), *words[1:]], node()
    if words[0] == "deskmesh-operator":
        services = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in ports.items())
        return [str(binaries / words[0]), *words[1:]], {**os.environ, "DESKMESH_SERVICES": services}
    database = urlunsplit(
        urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{processes.DATABASE}")
    )
    return [
        "psql",
        "--no-psqlrc",
        "--set",
        "ON_ERROR_STOP=1",
        *(database if word == "$DATABASE_URL" else word for word in words[1:]),
    ], {**os.environ}


def node() -> dict[str, str]:
    """The environment in which the broker's own tools find the private node."""
    home = Path(os.environ["SERVERS"]) / "rabbitmq"
    mapper = json.loads((home.parent / "servers.json").read_text())["rabbitmq"]["mapper_port"]
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(home / "home"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_NODENAME": asked("/api/overview")["node"],
    }


def asked(path: str) -> dict:
    """What the management API answers."""
    url = urlsplit(os.environ["MANAGEMENT_URL"])
    login = b64encode(f"{url.username or 'guest'}:{url.password or 'guest'}".encode()).decode()
    request = urllib.request.Request(
        f"http://{url.hostname}:{url.port}{path}", headers={"Authorization": f"Basic {login}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def registered(tree: Tree) -> int:
    """Whether the broker tells what metrics.yaml says of it, where infra/prometheus/README.md says
    it is scraped.
    """
    overview = asked("/api/overview")
    port = next(
        one["port"] for one in overview["listeners"] if one["protocol"] == "http/prometheus"
    )
    families = re.search(
        r"family: \[(.*)\]", (tree.root / "infra/prometheus/README.md").read_text()
    )
    if not families:
        sys.exit(
            "infra/prometheus/README.md does not say which families of the broker's metrics are "
            "scraped"
        )
    query = "&".join(
        [*(f"family={name.strip()}" for name in families[1].split(",")), "vhost=deskmesh"]
    )
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/metrics/detailed?{query}", timeout=30
    ) as answer:
        text = answer.read().decode()
    failed = 0
    for one in (one for one in metrics.registry(tree) if one["source"] == "broker"):
        told = [
            set(re.findall(r'(\w+)="', line))
            for line in text.splitlines()
            if line.startswith(f"{one['name']}{{")
        ]
        kinds = re.findall(rf"^# TYPE {one['name']} (\w+)$", text, re.MULTILINE)
        well = (
            bool(told)
            and all(labels == set(one["labels"]) for labels in told)
            and kinds == [one["kind"]]
        )
        failed += not well
        print(
            f"{'ok' if well else 'FAILED':<7} RabbitMQ {overview['rabbitmq_version']} tells "
            f"{one['name']} of {len(told)} queues, as {kinds}"
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
