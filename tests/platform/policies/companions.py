"""What components add fits what the base has."""

import re
from collections.abc import Iterator

from pods import edges, pods
from render import BROKER_TLS, DATABASE_CA, TRACE, Render
from tree import Object, Tree, selects, title

# The Secrets that the base needs; ../../infra/kubernetes/README.md documents these and those of
# each component.
BASE_SECRETS = {"deskmesh-broker", "deskmesh-database", "deskmesh-placeholder"}


def secrets(tree: Tree, render: Render) -> Iterator[str]:
    """The base needs three, and each that is named anywhere is documented."""
    mounted = {
        volume["secret"]["secretName"]
        for pod in pods(render)
        for volume in pod.spec.get("volumes", [])
        if "secret" in volume
    }
    added = {
        "smtp-login": "deskmesh-mail",
        TRACE: "deskmesh-trace",
        "cnpg": DATABASE_CA,
        "rabbitmq-operator": BROKER_TLS,
    }
    wanted = BASE_SECRETS | {
        secret for component, secret in added.items() if component in render.components
    }
    if mounted != wanted:
        yield f"the pods mount the Secrets {sorted(mounted)}, documented are {sorted(wanted)}"
    readme = (tree.kubernetes / "README.md").read_text()
    # `database-role-<service>` stands for one of each service.
    patterns = [
        re.sub(r"<\w+>", "[a-z.-]+", re.escape(name))
        for name in re.findall(r"`([a-z<>.-]+)`", readme)
    ]
    for name in mounted | {name for one in render.objects for name in _named(one.get("spec"))}:
        if not any(re.fullmatch(pattern, name) for pattern in patterns):
            yield f"Secret {name} is needed and stands nowhere in infra/kubernetes/README.md"


def _named(value: object) -> Iterator[str]:
    """Names of Secrets in an operator's resource."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in (
                "importCredentialsSecret",
                "connectionSecret",
                "passwordSecret",
            ) and isinstance(inner, dict):
                yield inner["name"]
            else:
                yield from _named(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def monitors(tree: Tree, render: Render) -> Iterator[str]:
    """A PodMonitor finds every service, at a port that has the name; another one the broker, as
    infra/prometheus/README.md says.
    """
    for one in render.of("PodMonitor"):
        if one["metadata"]["name"] == "deskmesh-broker":
            yield from _broker_monitor(tree, render, one)
            continue
        for pod in (*pods(render), *edges(render)):
            if pod.command != "run":
                continue
            names = {port.get("name") for port in pod.container.get("ports", [])}
            if not selects(one["spec"]["selector"], pod.labels):
                yield f"{title(one)} does not find {pod.title}"
            if not {endpoint["port"] for endpoint in one["spec"]["podMetricsEndpoints"]} <= names:
                yield f"{title(one)} reads a port that {pod.title} does not have: {sorted(names)}"
            if one["spec"].get("jobLabel") != "app.kubernetes.io/name":
                yield (
                    f"{title(one)}: `job` in the alerts is the service, so jobLabel must be "
                    f"app.kubernetes.io/name"
                )


def _broker_monitor(tree: Tree, render: Render, one: Object) -> Iterator[str]:
    # The labels that RabbitMQ's cluster operator gives its pods.
    labels = {"app.kubernetes.io/component": "rabbitmq", "app.kubernetes.io/name": "broker"}
    let_in = [
        policy
        for policy in render.of("NetworkPolicy")
        if policy["metadata"]["name"] == "broker-metrics"
    ]
    for finds in (one["spec"]["selector"], *(policy["spec"]["podSelector"] for policy in let_in)):
        if not selects(finds, labels):
            yield (
                f"{title(one)}, or the policy that lets it in, does not find the broker's pods: "
                f"{finds}"
            )
    readme = (tree.root / "infra/prometheus/README.md").read_text()
    for endpoint in one["spec"]["podMetricsEndpoints"]:
        said = [
            f"metrics_path: {endpoint['path']}",
            *(f"{name}: [{', '.join(value)}]" for name, value in endpoint["params"].items()),
        ]
        for line in said:
            if line not in readme:
                yield (
                    f"{title(one)} asks for `{line}`, which is not what "
                    f"infra/prometheus/README.md says"
                )


def scalers(tree: Tree, render: Render) -> Iterator[str]:
    """Each service is scaled by its own two queues, asked for as its own user, and never to fewer
    than two.
    """
    scaled = render.of("ScaledObject")
    if scaled and sorted(one["metadata"]["name"] for one in scaled) != tree.services():
        yield (
            f"scaled are {sorted(one['metadata']['name'] for one in scaled)}, the services are "
            f"{tree.services()}"
        )
    for one in scaled:
        name, spec = one["metadata"]["name"], one["spec"]
        queues = [trigger["metadata"].get("queueName") for trigger in spec["triggers"]]
        if spec["scaleTargetRef"]["name"] != name or queues != [name, f"{name}.bulk"]:
            yield (
                f"{title(one)} scales {spec['scaleTargetRef']['name']} by {queues}, not {name} by "
                f"its own queues"
            )
        if spec.get("minReplicaCount", 0) < 2 or not spec.get("fallback"):
            yield (
                f"{title(one)} may scale in too far: minReplicaCount is at least 2, with a fallback"
            )
        for trigger in spec["triggers"]:
            authentication = render.find(
                "TriggerAuthentication", trigger.get("authenticationRef", {}).get("name", "")
            )
            asked = [
                (ref["name"], ref["key"])
                for ref in (authentication or {"spec": {}})["spec"].get("secretTargetRef", [])
                if ref["parameter"] == "host"
            ]
            if asked != [("deskmesh-broker", name)]:
                yield (
                    f"{title(one)} asks the broker with {asked}, not with its service's own address"
                )


def made_secrets(tree: Tree, render: Render) -> Iterator[str]:
    """Secrets that External Secrets makes have the names that pods mount."""
    made = {one["spec"]["target"]["name"] for one in render.of("ExternalSecret")}
    if "external-secrets" in render.components and made != BASE_SECRETS:
        yield f"External Secrets make {sorted(made)}, the pods mount {sorted(BASE_SECRETS)}"


def database(tree: Tree, render: Render) -> Iterator[str]:
    """A role and a schema of the same name for each service: then PostgreSQL's search path needs no
    setting.
    """
    wanted = sorted(service.replace("-", "_") for service in tree.with_schema())
    for one in render.of("Cluster"):
        roles = sorted(role["name"] for role in one["spec"].get("managed", {}).get("roles", []))
        if roles != wanted:
            yield f"{title(one)} has the roles {roles}, needs {wanted}"
    for one in render.of("Database"):
        schemas = sorted(
            (schema["name"], schema["owner"]) for schema in one["spec"].get("schemas", [])
        )
        if schemas != [(name, name) for name in wanted]:
            yield (
                f"{title(one)} has schemas and owners {schemas}, needs each of {wanted} owned by "
                f"the role of its name"
            )


def kept(_: Tree, render: Render) -> Iterator[str]:
    """Deleting a resource deletes no message and no row."""
    wanted = {
        "Queue": ("deletionPolicy", "retain"),
        "Vhost": ("deletionPolicy", "retain"),
        "Database": ("databaseReclaimPolicy", "retain"),
    }
    for one in render.of(*wanted):
        key, value = wanted[one["kind"]]
        if one["spec"].get(key) != value:
            yield (
                f"{title(one)} has {key} {one['spec'].get(key)!r}: deleting it would delete what "
                f"it holds"
            )
    for one in render.of(
        *wanted, "Exchange", "Binding", "User", "RabbitmqCluster", "Cluster", "Namespace"
    ):
        if (one["metadata"].get("annotations") or {}).get(
            "kustomize.toolkit.fluxcd.io/prune"
        ) != "disabled":
            yield f"{title(one)} can be pruned by a GitOps tool that no longer finds it"


def dashboards(tree: Tree, render: Render) -> Iterator[str]:
    """Each dashboard is a ConfigMap that Grafana's sidecar finds."""
    if "grafana" not in render.components:
        return
    found = [
        one
        for one in render.of("ConfigMap")
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]
    files = sorted(name for one in found for name in one["data"])
    wanted = sorted(path.name for path in (tree.root / "infra/grafana").glob("*.json"))
    if files != wanted:
        yield f"Grafana's sidecar finds {files}, the dashboards are {wanted}"


ALL = (secrets, monitors, scalers, made_secrets, database, kept, dashboards)
