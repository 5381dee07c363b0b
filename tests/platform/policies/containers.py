"""What a pod may and must have."""

import re
from collections.abc import Iterator

from pods import Pod, edges, every_pod, pods
from render import Render
from tree import Tree, title

DIGEST = re.compile(r"^[^@]+@sha256:[0-9a-f]{64}$")
# bootstrap gives the last spans this long after the grace period (FLUSH in
# shared/bootstrap/src/telemetry.rs).
FLUSH_SECONDS = 5
# What a service keeps beside the database.
KEPT = {"gateway": ("files",), "helpdesk": ("files",)}


def restricted(_: Tree, render: Render) -> Iterator[str]:
    """The restricted pod security standard, and a file system that cannot be written."""
    namespace = render.find("Namespace", "deskmesh") or {"metadata": {}}
    if (namespace["metadata"].get("labels") or {}).get(
        "pod-security.kubernetes.io/enforce"
    ) != "restricted":
        yield "Namespace/deskmesh does not enforce the restricted pod security standard"
    for pod in every_pod(render):
        outer = pod.spec.get("securityContext", {})
        wanted = {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        yield from _differences(pod, "the pod's securityContext", outer, wanted)
        for container in (*pod.spec["containers"], *pod.spec.get("initContainers", [])):
            inner = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            where = f"securityContext of container {container['name']}"
            yield from _differences(pod, where, container.get("securityContext", {}), inner)
        for host in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(host):
                yield f"{pod.title} has {host}"
        for volume in pod.spec.get("volumes", []):
            if not set(volume) <= {"name", "secret", "configMap", "projected"} and volume[
                "name"
            ] not in KEPT.get(pod.service, ()):
                yield (
                    f"{pod.title}: volume {volume['name']} is neither a Secret nor a ConfigMap: "
                    f"what does it write?"
                )


def _differences(pod: Pod, where: str, found: dict, wanted: dict) -> Iterator[str]:
    for key, value in wanted.items():
        if found.get(key) != value:
            yield f"{pod.title}: {where} has {key} {found.get(key)!r}, needs {value!r}"
    for key in set(found) - set(wanted) - {"runAsGroup", "fsGroup"}:
        yield f"{pod.title}: {where} has {key}, which no service needs"


def no_token(_: Tree, render: Render) -> Iterator[str]:
    """Nothing here talks to the API server."""
    for account in render.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield (
                f"{title(account)} hands out its token: automountServiceAccountToken must be false"
            )
    for pod in every_pod(render):
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield (
                f"{pod.title} mounts a service-account token: automountServiceAccountToken must "
                f"be false"
            )
        name = pod.spec.get("serviceAccountName", "default")
        if name != pod.service or render.find("ServiceAccount", name) is None:
            yield f"{pod.title} runs as service account {name}, not as one of its own that exists"
    for one in render.of("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
        yield f"{title(one)}: no service may do anything in the API server"


def resources(_: Tree, render: Render) -> Iterator[str]:
    """Requests for both, a limit for memory alone."""
    for pod in every_pod(render):
        given = pod.container.get("resources", {})
        requests, limits = given.get("requests", {}), given.get("limits", {})
        if not {"cpu", "memory"} <= set(requests):
            yield f"{pod.title} does not request both cpu and memory"
        if limits.get("memory") != requests.get("memory"):
            yield (
                f"{pod.title}: its memory limit {limits.get('memory')} is not its request "
                f"{requests.get('memory')}"
            )
        if "cpu" in limits:
            yield f"{pod.title} has a cpu limit: being throttled keeps rows locked"


def probes(tree: Tree, render: Render) -> Iterator[str]:
    """Liveness asks /livez, readiness /readyz, at the port where the service listens."""
    for pod in (*pods(render), *edges(render)):
        if pod.command != "run":
            continue
        listen = (
            pod.settings(render).get("DESKMESH__HTTP__LISTEN")
            or tree.defaults(pod.service)["http"]["listen"]
        )
        named = {port.get("name"): port["containerPort"] for port in pod.container.get("ports", [])}
        for probe, path in (
            ("startupProbe", "/livez"),
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ):
            get = pod.container.get(probe, {}).get("httpGet", {})
            if get.get("path") != path:
                yield f"{pod.title}: {probe} asks {get.get('path')}, not {path}"
            port = named.get(get.get("port"), get.get("port"))
            if str(port) != listen.rpartition(":")[2]:
                yield f"{pod.title}: {probe} asks port {port}, the service listens on {listen}"


def grace(tree: Tree, render: Render) -> Iterator[str]:
    """A stop may take as long as the service takes for it."""
    for pod in (*pods(render), *edges(render)):
        if pod.command != "run":
            continue
        default = tree.defaults(pod.service)["shutdown"]["grace_seconds"]
        seconds = (
            int(pod.settings(render).get("DESKMESH__SHUTDOWN__GRACE_SECONDS", default))
            + FLUSH_SECONDS
        )
        given = pod.spec.get("terminationGracePeriodSeconds", 30)
        if given < seconds:
            yield (
                f"{pod.title} is killed after {given} s, but a stop may take {seconds} s "
                f"(shutdown.grace_seconds and the flush)"
            )


def images(tree: Tree, render: Render) -> Iterator[str]:
    """Each service runs its own image; production by digest."""
    for pod in (*pods(render), *edges(render)):
        image = pod.container["image"]
        repository = re.split(r"[@:](?!.*/)", image)[0]
        if (
            not repository.endswith(f"deskmesh/{pod.service}")
            or pod.service not in tree.with_schema()
        ):
            yield f"{pod.title} runs {image}, which is not its own image"
        # An edge gets its digest where an overlay lists it before the release; here it is listed
        # beside the overlay.
        if (
            render.overlay == "production"
            and pod.service in tree.services()
            and not DIGEST.match(image)
        ):
            yield f"{pod.title} runs {image}: in production an image is named by its digest"


ALL = (restricted, no_token, resources, probes, grace, images)
