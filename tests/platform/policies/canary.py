"""The canary: one round a minute, as a desk that reaches the broker alone."""

import re
from collections.abc import Iterator

from pods import canaries
from render import BROKER_TLS, CANARY, Render
from tree import Tree, selects, title

BROKER = {5671, 5672}
SECRET = "deskmesh-canary"


def there(_: Tree, render: Render) -> Iterator[str]:
    """It is there when its component is listed, and its Secret is documented."""
    found = [pod.title for pod in canaries(render)]
    wanted = ["CronJob/canary"] if CANARY in render.components else []
    if found != wanted:
        yield f"the canary's pods are {found}, wanted are {wanted}"


def rounds(_: Tree, render: Render) -> Iterator[str]:
    """One at a time, over before the next one, and none tried again."""
    for pod in canaries(render):
        spec = pod.owner["spec"]
        job = spec["jobTemplate"]["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"{pod.title} may run beside itself: concurrencyPolicy must be Forbid"
        if not job.get("activeDeadlineSeconds", 60) < 60 or job.get("backoffLimit") != 0:
            yield (
                f"{pod.title}: a round must end within its minute (activeDeadlineSeconds) and "
                f"fail at once (backoffLimit 0)"
            )


def given(tree: Tree, render: Render) -> Iterator[str]:
    """Its image is the operator's, its addresses are the files of its own Secret."""
    readme = (tree.kubernetes / "README.md").read_text()
    for pod in canaries(render):
        image = pod.container["image"]
        # Its digest it gets from `release`, where an overlay lists it before; here it is listed
        # beside the overlay.
        if not re.search(r"(^|/)deskmesh/operator[:@]", image):
            yield f"{pod.title} runs {image}, which is not the operator's image"
        # The authority of the broker's certificate is everybody's: companions.py.
        secrets = [
            volume["secret"]
            for volume in pod.spec.get("volumes", [])
            if volume.get("secret", {}).get("secretName") != BROKER_TLS
        ]
        if [one.get("secretName") for one in secrets] != [SECRET] or f"`{SECRET}`" not in readme:
            yield (
                f"{pod.title} mounts {secrets}, documented in infra/kubernetes/README.md is "
                f"{SECRET}"
            )
        mount = pod.container["volumeMounts"][0]["mountPath"]
        files = {f"{mount}/{item['path']}" for one in secrets for item in one.get("items", [])}
        named = {entry["value"] for entry in pod.container["env"]}
        if files != named:
            yield f"{pod.title} reads {sorted(named)}, its Secret has {sorted(files)}"


def way_out(_: Tree, render: Render) -> Iterator[str]:
    """Out to the broker and to names; nobody comes in."""
    for pod in canaries(render):
        policies = [
            one
            for one in render.of("NetworkPolicy")
            if selects(one["spec"]["podSelector"], pod.labels)
        ]
        if any(one["spec"].get("ingress") for one in policies):
            yield f"{pod.title} can be reached, and nothing listens there"
        rules = [rule for one in policies for rule in one["spec"].get("egress", [])]
        ports = {port["port"] for rule in rules for port in rule.get("ports", [])}
        if (
            not ports & BROKER
            or ports - BROKER != {53}
            or not all(rule.get("ports") for rule in rules)
        ):
            yield (
                f"{pod.title} may go out to {sorted(ports)}: it needs the broker "
                f"({sorted(BROKER)}) and names (53)"
            )
        if [title(one) for one in policies if one["metadata"]["name"] == CANARY] != [
            "NetworkPolicy/canary"
        ]:
            yield f"{pod.title} has no policy of its own"


ALL = (there, rounds, given, way_out)
