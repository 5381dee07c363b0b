"""Holds the images against what is said of them: what is in them, and what they do when run as
their pods say.

Started by check.sh, with AMQP_URL, MANAGEMENT_URL and DATABASE_URL of servers that may be thrown
away, as root: runc makes a container's user, limits and mounts.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import content
import running
from image import Image, unpack
from machine import Machine
from names import Names
from running import Running

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("agreement-service", "share-dispatcher", "comment-sync", "field-sync", "notifier")
# Looked into and not run: its pods are a component's.
EDGES = ("gateway", "helpdesk", "nhd-bridge")


def main() -> int:
    if os.geteuid() != 0:
        sys.exit("runc needs root here: run it as root")
    work = ROOT / "target/image"
    failed = 0
    images = unpacked(work, SERVICES)
    for image in (*images, *unpacked(work, EDGES)):
        print(f"        deskmesh/{image.service}: {figures(image)}")
        failed += sum(told(image.service, check, check(image)) for check in content.CHECKS)
    names = Names()
    names.server.start_thread()
    machine = Machine(ROOT, names)
    started: list[Running] = []
    try:
        for image in images:
            failed += told(image.service, machine.program, machine.program(image))
            failed += told(image.service, machine.migrates, machine.migrates(image))
            failed += told(image.service, machine.trusts, machine.trusts(image))
            names.asked.clear()
            one = machine.run(machine.prepare(image))
            started.append(one)
            # Names are asked for while it connects; the next one starts when this one is ready.
            failed += told(image.service, running.probes, running.probes(one))
            failed += told(image.service, running.names, running.names(one))
        # Of one that has ended, the probes have told already.
        for one in (one for one in started if one.container.process.poll() is None):
            for check in running.CHECKS[2:]:
                failed += told(one.image.service, check, check(one))
            print(
                f"        {one.image.service}: {one.peak} MiB at most, stopped after "
                f"{one.stopped_after:.1f} s"
            )
    finally:
        for one in started:
            one.container.remove()
        machine.broker.close()
        names.server.stop()
    print(f"{failed} failed" if failed else "all of it holds")
    return 1 if failed else 0


def unpacked(work: Path, services: tuple[str, ...]) -> list[Image]:
    return [
        unpack(service, ROOT / "target/images" / service, work / "bundles" / service)
        for service in services
    ]


def figures(image: Image) -> str:
    program = (image.root / "service").stat().st_size
    return (
        f"{image.compressed() / 1e6:.1f} MB compressed, program {program / 1e6:.1f} MB, "
        f"{image.digest()[:19]}"
    )


def told(service: str, check: Callable, problems: Iterator[str]) -> int:
    """One line per check, and one per problem."""
    found = list(problems)
    first = " ".join((check.__doc__ or "").split("\n\n")[0].split())
    print(f"{'FAILED' if found else 'ok':<7} {service}: {first}", flush=True)
    for problem in found:
        print(f"        {problem}", flush=True)
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
