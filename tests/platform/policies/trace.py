"""Where the services are asked what became of a ticket, and who may ask."""

import re
from collections.abc import Iterator

from pods import Pod, pods, tracers
from pods import edges as edge_pods
from policies import edges
from render import TRACE, Render
from tree import EDGES, Tree, selects, title

PORT = 9090
# What the services ask for, from whoever asks.
SECRET, FOLDER = "deskmesh-trace", "/etc/deskmesh/trace"
# Who has the one may ask, who has the other may act: variables of the operator's pod and of a
# service.
SHOWN = {
    "secret": ("DESKMESH_TRACE_SECRET_FILE", "DESKMESH__HTTP__TRACE_SECRET_FILE"),
    "operator": ("DESKMESH_OPERATOR_SECRET_FILE", "DESKMESH__HTTP__OPERATOR_SECRET_FILE"),
}


def asked(tree: Tree, render: Render) -> Iterator[str]:
    """Each service has a Service of its name, that leads to its pods alone, ready or not."""
    found = {
        one["metadata"]["name"]: one["spec"]
        for one in render.of("Service")
        if one["metadata"]["name"] not in edges.services(render)
    }
    if sorted(found) != tree.services():
        yield f"there is a Service for {sorted(found)}, the services are {tree.services()}"
    for name, spec in found.items():
        chosen = [
            pod
            for pod in pods(render)
            if selects({"matchLabels": spec.get("selector") or {}}, pod.labels)
        ]
        if [(pod.service, pod.command) for pod in chosen] != [(name, "run")]:
            yield (
                f"Service/{name} leads to {[pod.title for pod in chosen]}, not to "
                f"Deployment/{name} alone"
            )
        ports = {(port["port"], port.get("targetPort")) for port in spec["ports"]}
        named = {
            port["name"]
            for pod in chosen
            for port in pod.container.get("ports", [])
            if port["containerPort"] == PORT
        }
        if ports != {(PORT, target) for target in named}:
            yield (
                f"Service/{name} has the ports {sorted(map(str, ports))}, its pods answer at {PORT}"
            )
        if (
            spec.get("publishNotReadyAddresses") is not True
            or spec.get("type", "ClusterIP") != "ClusterIP"
        ):
            yield (
                f"Service/{name} must lead to pods that are not ready, and only from inside the "
                f"cluster"
            )


def edges_asked(_: Tree, render: Render) -> Iterator[str]:
    """Each edge that runs has a Service of its name at that port, ready or not."""
    for pod in (one for one in edge_pods(render) if one.command == "run"):
        spec = (render.find("Service", pod.service) or {"spec": {"ports": []}})["spec"]
        ports = {port["port"] for port in spec["ports"]}
        if ports != {PORT} or spec.get("publishNotReadyAddresses") is not True:
            yield f"Service/{pod.service} must lead to port {PORT} of pods that are not ready, too"


def asking(tree: Tree, render: Render) -> Iterator[str]:
    """Where its component is listed, the operator's program runs with the address of each
    Service, and of each that an edge would have.
    """
    found = [pod.title for pod in tracers(render)]
    wanted = [f"Deployment/{TRACE}"] if TRACE in render.components else []
    if found != wanted:
        yield f"the pods that ask the services are {found}, wanted are {wanted}"
    addresses = ",".join(f"{name}=http://{name}:{PORT}" for name in [*tree.services(), *EDGES])
    for pod in tracers(render):
        image = pod.container["image"]
        if not re.search(r"(^|/)deskmesh/operator[:@]", image):
            yield f"{pod.title} runs {image}, which is not the operator's image"
        given = pod.settings(render).get("DESKMESH_SERVICES", "")
        if sorted(given.split(",")) != sorted(addresses.split(",")):
            yield f"{pod.title} asks {given}, the Services are {addresses}"
        for key, (variable, _) in SHOWN.items():
            yield from _shows(pod, render, variable, key)
    for pod in [*pods(render), *edge_pods(render)]:
        if wanted and pod.command == "run":
            for key, (_, variable) in SHOWN.items():
                yield from _shows(pod, render, variable, key)
    mounted = {pod.title: _secrets(pod) for pod in tracers(render)}
    if any(secrets != {SECRET} for secrets in mounted.values()):
        yield f"{mounted}: who asks needs {SECRET}, and no server's password"


def _secrets(pod: Pod) -> set[str]:
    return {volume.get("secret", {}).get("secretName") for volume in pod.spec.get("volumes", [])}


def _shows(pod: Pod, render: Render, variable: str, key: str) -> Iterator[str]:
    """What is shown and what is asked for are one Secret."""
    given, shown = pod.settings(render).get(variable), f"{FOLDER}/{key}"
    if given != shown or SECRET not in _secrets(pod):
        yield (
            f"{pod.title} has {variable} {given} and the Secrets "
            f"{sorted(map(str, _secrets(pod)))}, needs {shown} of {SECRET}"
        )


def ways(_: Tree, render: Render) -> Iterator[str]:
    """It reaches the services at that port, and names; nobody reaches it."""
    for pod in tracers(render):
        policies = [
            one
            for one in render.of("NetworkPolicy")
            if selects(one["spec"]["podSelector"], pod.labels)
        ]
        if any(one["spec"].get("ingress") for one in policies):
            yield f"{pod.title} can be reached, and listens on its own loopback alone"
        rules = [rule for one in policies for rule in one["spec"].get("egress", [])]
        to = [
            (rule.get("to"), port["port"])
            for rule in rules
            for port in rule.get("ports", [{"port": "any"}])
            if port["port"] != 53
        ]
        own = {
            "matchLabels": {
                "app.kubernetes.io/component": "run",
                "app.kubernetes.io/part-of": "deskmesh",
            }
        }
        if to != [([{"podSelector": own}], PORT)]:
            yield f"{pod.title} may go out to {to}: it needs the services' port {PORT}"
        if [title(one) for one in policies if one["metadata"]["name"] == TRACE] != [
            f"NetworkPolicy/{TRACE}"
        ]:
            yield f"{pod.title} has no policy of its own"


ALL = (asked, edges_asked, asking, ways)
