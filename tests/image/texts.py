"""The files that images and containers are made from: clean, and saying the same as what they
repeat.

python texts.py [ROOT]     ROOT: another tree than this one, as sabotage.py has it
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from tree import EDGES

Document = dict[str, Any]
# What a service keeps beside the database.
KEPT = {"gateway": ["/var/lib/deskmesh/files"]}


def hadolint(root: Path) -> Iterator[str]:
    """hadolint finds nothing in the Dockerfiles."""
    yield from said(
        [
            "hadolint",
            "--no-color",
            *(str(root / "infra/docker" / name) for name in ("Dockerfile", "Dockerfile.scratch")),
        ],
        root,
    )


def shellcheck(root: Path) -> Iterator[str]:
    """shellcheck finds nothing in the scripts."""
    yield from said(
        ["shellcheck", str(root / "infra/docker/build.sh"), str(root / "tests/image/check.sh")],
        root,
    )


def toolchain(root: Path) -> Iterator[str]:
    """The image is built by the compiler of rust-toolchain.toml, at the workspace's version, for
    every service.
    """
    text = (root / "infra/docker/Dockerfile").read_text()
    channel = tomllib.loads((root / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    if f"\nARG RUST={channel}\n" not in text:
        yield f"Dockerfile does not build with Rust {channel}, as rust-toolchain.toml says"
    version = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    for name in ("Dockerfile", "Dockerfile.scratch"):
        if f"\nARG VERSION={version}\n" not in (root / "infra/docker" / name).read_text():
            yield f"{name} has another VERSION than Cargo.toml, {version}"
    for line in re.findall(r"^ +(-p .*?)(?: \\)?$", text, re.MULTILINE):
        if set(line.split()[1::2]) != {*services(root), "operator"}:
            yield (
                f"Dockerfile builds {line}, and the services are {', '.join(services(root))}; and "
                f"the operator's program"
            )
    for image in {
        one["image"]
        for one in compose(root)["services"].values()
        if one["image"].startswith("deskmesh/")
    }:
        if not image.endswith(f":{version}"):
            yield f"compose.yaml runs {image}, and Cargo.toml has {version}"


def one_image(root: Path) -> Iterator[str]:
    """Both Dockerfiles end in the same image."""
    built, given = (
        instructions(root / "infra/docker" / name) for name in ("Dockerfile", "Dockerfile.scratch")
    )
    for ours, theirs in zip(built, given, strict=False):
        if ours != theirs:
            yield f"Dockerfile has `{ours}` where Dockerfile.scratch has `{theirs}`"
            return
    if len(built) != len(given):
        yield "one Dockerfile has lines that the other has not"


def instructions(path: Path) -> list[str]:
    """The last stage, without comments and without where files come from."""
    text = path.read_text().rpartition("FROM scratch\n")[2]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.replace("COPY --from=build /out/", "COPY ") for line in lines]


def valid(root: Path) -> Iterator[str]:
    """docker-compose reads compose.yaml and finds nothing wrong in it."""
    yield from said(
        ["docker-compose", "--file", str(root / "infra/compose.yaml"), "config", "--quiet"], root
    )


def contained(root: Path) -> Iterator[str]:
    """In compose.yaml every service runs as its pod does: user, read-only, no capability, memory,
    time to stop.
    """
    pods = {"run": base(root, "deployment.yaml"), "migrate": base(root, "migrate.yaml")}
    for name, one in ours(root).items():
        command = one.get("command") or [None]
        pod = pods.get(command[0])
        if pod is None:
            yield f"{name} has the command {command}, neither run nor migrate"
            continue
        limit = pod["containers"][0]["resources"]["limits"]["memory"].removesuffix("i").lower()
        wanted = {
            "user": "{runAsUser}:{runAsGroup}".format(**pod["securityContext"]),
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": limit,
        }
        if "terminationGracePeriodSeconds" in pod:
            wanted["stop_grace_period"] = f"{pod['terminationGracePeriodSeconds']}s"
        for key, value in wanted.items():
            if one.get(key) != value:
                yield f"{name}: {key} is {one.get(key)!r}, and the pod has {value!r}"
        kept = [volume.split(":")[1] for volume in one.get("volumes", [])]
        if kept != KEPT.get(name, []):
            yield f"{name} has the volumes {kept}, its pod keeps {KEPT.get(name, [])}"
        for key in ("tmpfs", "privileged", "cap_add", "network_mode"):
            if one.get(key):
                yield f"{name} has {key}, which no service needs"


def ordered(root: Path) -> Iterator[str]:
    """Each service is there with its migration, waits for it and for the broker, and sees what its
    pod sees.
    """
    found = compose(root)["services"]
    for service in services(root):
        run, migrate = found.get(service), found.get(f"{service}-migrate")
        if run is None or migrate is None:
            yield f"{service} or its migration is not in compose.yaml"
            continue
        if run["image"] != migrate["image"] or not run["image"].startswith(f"deskmesh/{service}:"):
            yield f"{service} runs {run['image']} and is migrated by {migrate['image']}"
        if run["build"]["args"] != {"SERVICE": service}:
            yield f"{service} is built with {run['build']['args']}"
        after = {name: how["condition"] for name, how in run.get("depends_on", {}).items()}
        folders = {f"{service}-files": "service_completed_successfully"} if service in KEPT else {}
        if after != {
            "broker": "service_healthy",
            f"{service}-migrate": "service_completed_successfully",
            **folders,
        }:
            yield f"{service} starts after {after}"
        if migrate.get("depends_on") != {"database": {"condition": "service_healthy"}}:
            yield f"{service}-migrate starts after {migrate.get('depends_on')}"
        if "DESKMESH__BROKER__URL" in migrate["environment"]:
            yield f"{service}-migrate is given the broker's password, which it does not need"
        role = service.replace("-", "_")
        # An edge is an account to the broker.
        broker = service if service in EDGES else f"svc.{service}"
        for key, user in (("BROKER", broker), ("DATABASE", role)):
            if f"://{user}:" not in run["environment"].get(f"DESKMESH__{key}__URL", ""):
                yield f"{service} does not have its own address of the {key.lower()}"


def settings(root: Path) -> Iterator[str]:
    """Every setting in compose.yaml is one that its service knows."""
    common = tomllib.loads((root / "shared/bootstrap/config.default.toml").read_text())
    for name, one in ours(root).items():
        known = common | tomllib.loads(
            (root / f"services/{name.removesuffix('-migrate')}/config.default.toml").read_text()
        )
        for setting in one["environment"]:
            _, section, key = setting.lower().split("__")
            if key not in known.get(section, {}):
                yield f"{name} does not know {setting}"


def loopback(root: Path) -> Iterator[str]:
    """Nothing that compose.yaml starts can be reached from another machine."""
    for name, one in compose(root)["services"].items():
        for port in one.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                yield f"{name} is open to everybody at {port}"


def links(root: Path) -> Iterator[str]:
    """The pages' paths lead somewhere."""
    for page in (root / "infra/docker/README.md", root / "tests/image/README.md"):
        for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / path).exists():
                yield f"{page.relative_to(root)} links to {path}, which does not exist"


CHECKS = (
    hadolint,
    shellcheck,
    toolchain,
    one_image,
    valid,
    contained,
    ordered,
    settings,
    loopback,
    links,
)


def services(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / "services").glob("*/config.default.toml"))


def base(root: Path, name: str) -> Document:
    """The pod of a manifest in kubernetes/base/service."""
    return yaml.safe_load((root / "infra/kubernetes/base/service" / name).read_text())["spec"][
        "template"
    ]["spec"]


def ours(root: Path) -> Document:
    return {
        name: one
        for name, one in compose(root)["services"].items()
        if one["image"].startswith("deskmesh/")
    }


def compose(root: Path) -> Document:
    """compose.yaml as an engine would get it, with passwords of its own."""
    done = subprocess.run(
        ["docker-compose", "--file", str(root / "infra/compose.yaml"), "config"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(root),
    )
    return yaml.safe_load(done.stdout) if done.returncode == 0 else {"services": {}}


def environment(root: Path) -> dict[str, str]:
    # docker-compose is a Python program, and has a module `compose` as tests/platform does.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**inherited, "DESKMESH_SECRETS": str(root / "target/image/compose")}


def said(command: list[str], root: Path) -> Iterator[str]:
    """The lines of a tool that finds something."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(root)
    )
    if done.returncode != 0:
        yield from [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][
            :10
        ] or [f"{command[0]} fails"]


def problems(check: Callable[[Path], Iterator[str]], root: Path) -> list[str]:
    found = list(check(root))
    first = " ".join((check.__doc__ or "").split("\n\n")[0].split())
    print(f"{'FAILED' if found else 'ok':<7} {first}", flush=True)
    for problem in found:
        print(f"        {problem}", flush=True)
    return found


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    folder = root / "target/image/compose"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [root / "infra/docker/compose-secrets.py", folder], check=True, stdout=subprocess.DEVNULL
    )
    return 1 if sum([len(problems(check, root)) for check in CHECKS]) else 0


if __name__ == "__main__":
    sys.exit(main())
