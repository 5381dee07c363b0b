"""Breaks an image, a container or a text, one way after the other, and sees that a check notices
and says so.

Started by `check.sh sabotage` after `check.sh`, which built the images; with servers that may be
thrown away.
"""

import copy
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import content
import running
import texts
import yaml
from container import mebibytes
from image import Image, unpack
from machine import Machine, Prepared
from names import Names

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target/image"
SERVICE = "field-sync"
BUSYBOX = Path("/bin/busybox")


@dataclass(frozen=True)
class Way:
    """One way to break something: the check that should notice, and words of its complaint."""

    check: Callable
    says: str
    breaks: Callable[[Any], None]


def main() -> int:
    noticed = [notices(way, broken_image(way)) for way in CONTENT]
    rows = yaml.safe_load((Path(__file__).parent / "sabotage.yaml").read_text())
    written = [Way(getattr(texts, row["check"]), row["says"], row) for row in rows]
    noticed += [notices(way, broken_text(way)) for way in written]
    names = Names()
    names.server.start_thread()
    running.READY_SECONDS = 8
    machine = Machine(ROOT, names)
    once = [
        Way(machine.program, "says it is 'notifier'", other_program),
        Way(machine.migrates, "`migrate` ended with", broken_program),
    ]
    noticed += [notices(way, broken_image(way)) for way in once]
    # What follows needs its tables.
    list(machine.migrates(fresh()))
    trust = [
        Way(machine.trusts, "does not trust an authority", broken_program),
        Way(
            machine.trusts,
            "does not refuse an authority",
            add(content.AUTHORITIES.lstrip("/"), source=machine.broker.certificate),
        ),
    ]
    noticed += [notices(way, broken_image(way)) for way in trust]
    noticed += [notices(way, broken_container(machine, way)) for way in RUNNING]
    machine.broker.close()
    names.server.stop()
    ways = [*CONTENT, *written, *once, *trust, *RUNNING]
    checks = {
        *content.CHECKS,
        *texts.CHECKS,
        *running.CHECKS,
        *(way.check for way in (*once, *trust)),
    }
    unbroken = sorted(check.__name__ for check in checks - {way.check for way in ways})
    for name in unbroken:
        print(f"FAILED  nothing here makes this check fail: {name}")
    failed = noticed.count(False) + len(unbroken)
    print(f"{len(ways)} ways to break it, {failed} failed")
    return 1 if failed else 0


def notices(way: Way, problems: list[str]) -> bool:
    well = any(way.says in problem for problem in problems)
    print(f"{'noticed' if well else 'FAILED':<7} {way.check.__name__}: {way.says}", flush=True)
    if not well:
        print(f"        said: {problems[:4]}", flush=True)
    return well


def fresh() -> Image:
    """The image, unpacked anew, with a layout that may be broken too."""
    layout = WORK / "broken/layout"
    shutil.rmtree(layout, ignore_errors=True)
    shutil.copytree(ROOT / "target/images" / SERVICE, layout)
    return unpack(SERVICE, layout, WORK / "broken/bundle")


def broken_image(way: Way) -> list[str]:
    image = fresh()
    way.breaks(image)
    return list(way.check(image))


def broken_text(way: Way) -> list[str]:
    """A copy of what is read, with one file changed."""
    row: dict[str, str] = way.breaks
    tree = WORK / "broken/tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("infra/docker", "infra/kubernetes", "infra/rabbitmq", "tests/image"):
        shutil.copytree(ROOT / name, tree / name)
    for name in ("infra/compose.yaml", "infra/README.md", "Cargo.toml", "rust-toolchain.toml"):
        shutil.copy(ROOT / name, tree / name)
    for name in ("services", "shared", "tests/platform"):
        (tree / name).symlink_to(ROOT / name)
    shutil.copytree(WORK / "compose", tree / "target/image/compose")
    path = tree / row["file"]
    if row["old"] not in path.read_text():
        return [f"{row['file']} does not have {row['old']!r}: mend this way to break it"]
    path.write_text(path.read_text().replace(row["old"], row["new"], 1))
    return list(way.check(tree))


def broken_container(machine: Machine, way: Way) -> list[str]:
    one = machine.prepare(fresh())
    # Pods are shared by all that is prepared.
    one = replace(one, pod=copy.deepcopy(one.pod))
    way.breaks(one)
    machine.names.asked.clear()
    started = machine.run(one)
    try:
        if way.check is running.probes:
            return list(way.check(started))
        if one.config["process"]["args"][0] == "/service":
            list(running.probes(started))
        else:
            # A script is never ready: a moment to do its harm.
            time.sleep(1.5)
        if started.container.process.poll() is not None:
            return [f"it has ended already: {started.container.output}"]
        return list(way.check(started))
    finally:
        started.container.remove()


# --- what is in an image


def add(path: str, mode: int = 0o555, source: Path = BUSYBOX) -> Callable[[Image], None]:
    def breaks(image: Image) -> None:
        target = image.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy(source, target)
        target.chmod(mode)

    return breaks


def configured(**changes: Any) -> Callable[[Image], None]:
    def breaks(image: Image) -> None:
        blobs = image.layout / "blobs/sha256"
        for path in blobs.iterdir():
            with suppress(ValueError):
                blob = json.loads(path.read_bytes())
                if "rootfs" in blob:
                    blob["config"].update(changes)
                    path.write_text(json.dumps(blob))

    return breaks


def heavy(image: Image) -> None:
    (image.layout / "blobs/sha256/more").write_bytes(b"\0" * content.COMPRESSED_BYTES)


def grown(image: Image) -> None:
    os.truncate(image.root / "service", content.PROGRAM_BYTES + 1)


def owned(image: Image) -> None:
    os.chown(image.root / "service", running.USER, running.USER)


def mode(extra: int) -> Callable[[Image], None]:
    return lambda image: (image.root / "service").chmod(0o555 | extra)


CONTENT = [
    Way(content.files, "/bin/sh is there", add("bin/sh")),
    Way(content.files, "/lib/libc.so.6 is there", add("lib/libc.so.6")),
    Way(content.files, "/service is missing", lambda image: (image.root / "service").unlink()),
    Way(content.rights, "/service is owned by 65532", owned),
    Way(content.rights, "/service may be written", mode(stat.S_IWUSR)),
    Way(content.rights, "/service gives rights", mode(stat.S_ISUID)),
    Way(content.static, "asks for a loader", add("service", source=Path("/bin/ls"))),
    Way(content.static, "is no ELF program", add("service", source=Path("/etc/passwd"))),
    Way(
        content.authorities,
        "has 0 certificates",
        add("etc/ssl/certs/ca-certificates.crt", source=Path("/etc/passwd")),
    ),
    Way(content.config, "its user is 'nonroot'", configured(User="nonroot")),
    Way(content.config, "its user is ''", configured(User="")),
    Way(
        content.config,
        "its entrypoint is ['/bin/sh'",
        configured(Entrypoint=["/bin/sh", "-c", "/service"]),
    ),
    Way(content.config, "default command, ['run']", configured(Cmd=["run"])),
    Way(content.config, "it sets RUST_LOG", configured(Env=["PATH=/bin", "RUST_LOG=debug"])),
    Way(
        content.config,
        "its title is deskmesh/notifier",
        configured(Labels={"org.opencontainers.image.title": "deskmesh/notifier"}),
    ),
    Way(content.size, "/service has", grown),
    Way(content.size, "bytes compressed, budget", heavy),
]


# --- what a container does


def other_program(image: Image) -> None:
    other = unpack("notifier", ROOT / "target/images/notifier", WORK / "broken/notifier")
    add("service", source=other.root / "service")(image)


def broken_program(image: Image) -> None:
    add("service")(image)


def process(**changes: Any) -> Callable[[Prepared], None]:
    return lambda one: one.config["process"].update(changes)


def setting(name: str, value: str) -> Callable[[Prepared], None]:
    def breaks(one: Prepared) -> None:
        env = one.config["process"]["env"]
        one.config["process"]["env"] = [
            entry for entry in env if not entry.startswith(f"{name}=")
        ] + [f"{name}={value}"]

    return breaks


def without(destination: str) -> Callable[[Prepared], None]:
    def breaks(one: Prepared) -> None:
        one.config["mounts"] = [
            mount for mount in one.config["mounts"] if mount["destination"] != destination
        ]

    return breaks


def by_number(one: Prepared) -> None:
    """The broker's address without a name in it."""
    folder = next(
        mount["source"]
        for mount in one.config["mounts"]
        if mount["destination"] == "/etc/deskmesh/broker"
    )
    path = Path(folder) / "url"
    path.write_text(path.read_text().replace("@broker:", "@127.0.0.1:"))


def capable(one: Prepared) -> None:
    kinds = ("bounding", "effective", "inheritable", "permitted", "ambient")
    one.config["process"]["capabilities"] = {kind: ["CAP_NET_BIND_SERVICE"] for kind in kinds}


def writable(one: Prepared) -> None:
    one.config["root"]["readonly"] = False


def roomy(one: Prepared) -> None:
    one.config["linux"]["resources"]["memory"] = {
        "limit": 2 * mebibytes(one.pod),
        "swap": 2 * mebibytes(one.pod),
    }


def greedy(one: Prepared) -> None:
    """Half of its limit is gone before it has done anything."""
    megabytes = mebibytes(one.pod) * 6 // 10
    script(f"head -c {megabytes} /dev/zero > /dev/shm/taken; sleep 60", root=True)(one)
    next(mount for mount in one.config["mounts"] if mount["destination"] == "/dev/shm")["options"][
        -1
    ] = "size=1g"


def script(text: str, root: bool = False) -> Callable[[Prepared], None]:
    """Another program in the service's place."""

    def breaks(one: Prepared) -> None:
        # busybox is what its file is called.
        for applet in ("sh", "head", "sleep", "dd"):
            add(f"bin/{applet}")(one.image)
        one.config["process"]["args"] = ["/bin/sh", "-c", text]
        if root:
            one.config["process"]["user"] = {"uid": 0, "gid": 0}
            writable(one)

    return breaks


def hurried(then: Callable[[Prepared], None]) -> Callable[[Prepared], None]:
    """A pod with two seconds to stop."""

    def breaks(one: Prepared) -> None:
        one.pod.spec["terminationGracePeriodSeconds"] = 2
        then(one)

    return breaks


WRITER = (
    "echo left > /left; exec 3>/held; dd if=/dev/zero of=/held bs=4k count=8 conv=fsync; echo x > "
    "/dev/shm/shared; sleep 60"
)

RUNNING = [
    Way(running.probes, "/readyz does not answer", without("/etc/hosts")),
    Way(running.probes, "/readyz does not answer", without("/etc/resolv.conf")),
    Way(running.probes, "/livez does not answer", setting("DESKMESH__HTTP__LISTEN", "127.0.0.1:0")),
    Way(running.probes, "it ended with 2 before", setting("DESKMESH__BROKER__SLOTS", "many")),
    Way(running.names, "nobody asked the name server", by_number),
    Way(running.identity, "its Uid is 0", process(user={"uid": 0, "gid": 65532})),
    Way(
        running.identity,
        "its Gid is 0",
        process(user={"uid": 65532, "gid": 0, "additionalGids": [65532]}),
    ),
    Way(running.identity, "it has capabilities: CapEff", capable),
    Way(running.identity, "new privileges", process(noNewPrivileges=False)),
    Way(running.identity, "its root file system can be written", writable),
    Way(running.no_shell, "/bin/sh can be run", lambda one: add("bin/sh")(one.image)),
    Way(running.memory, "its memory limit is", roomy),
    Way(running.memory, "MiB before it did anything", greedy),
    Way(running.writes, "bytes to a disk", script(WRITER, root=True)),
    Way(running.writes, "open for writing", script(WRITER, root=True)),
    Way(running.writes, "it has made /dev/shm/shared", script(WRITER, root=True)),
    Way(running.writes, "/left is not what it was before", script(WRITER, root=True)),
    Way(
        running.stops, "it still runs 2 s after SIGTERM", hurried(script("trap '' TERM; sleep 60"))
    ),
    Way(
        running.stops,
        "SIGTERM ended it with 3",
        script("trap 'exit 3' TERM; while true; do sleep 1; done"),
    ),
]


if __name__ == "__main__":
    sys.exit(main())
