"""What a pod reaches and who reaches it: as much as it needs, and nothing else."""

from collections.abc import Iterator

from pods import Pod, edges, every_pod, pods, tracers
from render import CANARY, Render
from tree import COMPONENT, PART_OF, Object, Tree, selects, title

# Ports on which what a setting names may be reached.
PORTS = {
    "broker.url": {5671, 5672},
    "database.url": {5432},
    "smtp.url": {25, 465, 587},
    "telemetry.otlp_endpoint": {4318},
}
DNS = ("kube-system", {("UDP", 53), ("TCP", 53)})


def needs(tree: Tree, render: Render, pod: Pod) -> dict[str, set[int]]:
    """What a pod has to reach, by the settings that its service has: every address, the collector's
    if it is given.

    `migrate` needs the database alone (shared/bootstrap/README.md, Commands).
    """
    defaults = tree.defaults(pod.service)
    keys = [f"{section}.url" for section, values in defaults.items() if "url" in values]
    if pod.command == "migrate":
        keys = ["database.url"]
    elif pod.settings(render).get("DESKMESH__TELEMETRY__OTLP_ENDPOINT"):
        keys.append("telemetry.otlp_endpoint")
    return {key: PORTS[key] for key in keys}


def default_deny(_: Tree, render: Render) -> Iterator[str]:
    """What no policy allows is not allowed."""
    for one in render.of("NetworkPolicy"):
        spec = one["spec"]
        everybody = spec["podSelector"] == {} and not spec.get("ingress") and not spec.get("egress")
        if everybody and sorted(spec["policyTypes"]) == ["Egress", "Ingress"]:
            return
    yield "no NetworkPolicy denies everything both ways to every pod of the namespace"


def egress(tree: Tree, render: Render) -> Iterator[str]:
    """Outwards: each address of the settings, names, and no port more."""
    for pod in pods(render):
        needed = needs(tree, render, pod)
        rules = [
            rule for one in _of(render, pod, "Egress") for rule in one["spec"].get("egress", [])
        ]
        allowed = set()
        resolves = False
        for rule in rules:
            ports = {
                (port.get("protocol", "TCP"), port.get("port")) for port in rule.get("ports", [])
            }
            if _is_dns(rule, ports):
                resolves = True
            elif not ports or any(protocol != "TCP" or port is None for protocol, port in ports):
                yield f"{pod.title} may go out to any port"
            else:
                allowed |= {port for _, port in ports}
        if not resolves:
            yield f"{pod.title} cannot resolve names: no policy lets it ask kube-dns on port 53"
        for key, ports in needed.items():
            if not allowed & ports:
                yield (
                    f"{pod.title} needs {key}, but no policy lets it out to any of the ports "
                    f"{sorted(ports)}"
                )
        surplus = allowed - set().union(*needed.values())
        if surplus:
            yield f"{pod.title} may go out to {sorted(surplus)}, which none of its settings needs"


def _is_dns(rule: Object, ports: set) -> bool:
    peers = rule.get("to", [])
    namespace, wanted = DNS
    return (
        ports == wanted
        and len(peers) == 1
        and selects(peers[0].get("namespaceSelector"), {"kubernetes.io/metadata.name": namespace})
    )


def ingress(_: Tree, render: Render) -> Iterator[str]:
    """Inwards: Prometheus and the operator's `trace`, where they are, to the one port there is."""
    known = {
        "the namespace monitoring": _is_monitoring,
        "the pods that ask /trace": lambda peer: _is_tracer(render, peer),
    }
    there = {
        "the namespace monitoring": render.of("PodMonitor"),
        "the pods that ask /trace": tracers(render),
    }
    wanted = {name for name, objects in there.items() if objects}
    for pod in pods(render):
        rules = [
            rule for one in _of(render, pod, "Ingress") for rule in one["spec"].get("ingress", [])
        ]
        ways = sorted(wanted) if pod.command == "run" else []
        if len(rules) != len(ways):
            yield f"{pod.title} has {len(rules)} ways in; there is one for each of {ways}"
        for rule in rules:
            peers = rule.get("from", [])
            if not peers or not all(any(known[name](peer) for name in ways) for peer in peers):
                yield f"{pod.title} can be reached by others than {ways}"
            open_ports = {port.get("port") for port in rule.get("ports", [])}
            if open_ports != {port["containerPort"] for port in pod.container.get("ports", [])}:
                yield (
                    f"{pod.title} can be reached on {sorted(map(str, open_ports))}, not on the "
                    f"ports it has"
                )


def _is_monitoring(peer: Object) -> bool:
    return peer == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    }


def _is_tracer(render: Render, peer: Object) -> bool:
    return set(peer) == {"podSelector"} and [
        pod for pod in every_pod(render) if selects(peer["podSelector"], pod.labels)
    ] == tracers(render)


def servers_in_here(_: Tree, render: Render) -> Iterator[str]:
    """A broker or database that runs in this namespace is the one that its clients may reach, and
    lets them in.
    """
    known = {
        ("RabbitmqCluster", 5671): lambda name: {
            COMPONENT: "rabbitmq",
            "app.kubernetes.io/name": name,
        },
        ("Cluster", 5432): lambda name: {"cnpg.io/cluster": name},
        ("OpenTelemetryCollector", 4318): lambda name: {
            COMPONENT: "opentelemetry-collector",
            "app.kubernetes.io/instance": f"deskmesh.{name}",
        },
    }
    for (kind, port), labels_of in known.items():
        for server in render.of(kind):
            labels = labels_of(server["metadata"]["name"])
            for pod in every_pod(render):
                if port not in {"migrate": {5432}, CANARY: {5671}, "serve": set()}.get(
                    pod.command, {port}
                ):
                    continue
                rules = [
                    rule
                    for one in _of(render, pod, "Egress")
                    for rule in one["spec"].get("egress", [])
                    if _has(rule, port)
                ]
                peers = [peer for rule in rules for peer in rule.get("to", [{}])]
                if not peers or not all(selects(peer.get("podSelector"), labels) for peer in peers):
                    yield (
                        f"{pod.title} may go out on {port} to other pods than those of "
                        f"{title(server)}"
                    )
                if not _lets_in(render, labels, pod, port):
                    yield f"{title(server)} lets {pod.title} not in on {port}"


def _lets_in(render: Render, labels: dict[str, str], pod: Pod, port: int) -> bool:
    policies = [
        one["spec"]
        for one in render.of("NetworkPolicy")
        if one["spec"]["podSelector"] and selects(one["spec"]["podSelector"], labels)
    ]
    rules = [rule for spec in policies for rule in spec.get("ingress", []) if _has(rule, port)]
    # A rule without peers lets everybody in.
    return any(not rule.get("from") for rule in rules) or any(
        selects(peer.get("podSelector"), pod.labels)
        for rule in rules
        for peer in rule.get("from", [])
        if "namespaceSelector" not in peer
    )


def _has(rule: Object, port: int) -> bool:
    return any(each.get("port") == port for each in rule.get("ports", []))


def no_dead_policy(_: Tree, render: Render) -> Iterator[str]:
    """A policy for pods of ours selects some."""
    for one in render.of("NetworkPolicy"):
        labels = one["spec"]["podSelector"].get("matchLabels") or {}
        ours = labels.get(PART_OF) == "deskmesh" or labels.get(COMPONENT) in ("run", "migrate")
        if ours and not any(
            selects(one["spec"]["podSelector"], pod.labels)
            for pod in (*pods(render), *edges(render))
        ):
            yield f"{title(one)} selects no pod: {labels}"


def _of(render: Render, pod: Pod, direction: str) -> list[Object]:
    return [
        one
        for one in render.of("NetworkPolicy")
        if direction in one["spec"]["policyTypes"]
        and selects(one["spec"]["podSelector"], pod.labels)
    ]


ALL = (default_deny, egress, ingress, servers_in_here, no_dead_policy)
