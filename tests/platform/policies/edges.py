"""What desks and people speak to: a component each, reached from outside, with a Secret of its
own.
"""

from collections.abc import Iterator

from pods import Pod, edges
from render import BROKER_CA, DATABASE_CA, FILES_S3, TRACE, Render
from tree import EDGES, Object, Tree, selects, title

# What is open to the world, by the names that the container gives its ports, and the setting that
# listens there.
PUBLIC = {
    "gateway": {"api": "DESKMESH__API__LISTEN", "files": "DESKMESH__FILES__LISTEN"},
    "helpdesk": {"pages": "DESKMESH__PAGES__LISTEN", "files": "DESKMESH__FILES__LISTEN"},
    "nhd-bridge": {"sharing": "DESKMESH__SHARING__LISTEN"},
}
BROKER, DATABASE, METRICS, COLLECTOR = {5671, 5672}, {5432}, 9090, 4318
# What accounts and partners may have called by whom, and the networks of an installation, which
# they may not.
WEB = {443, 8443}
CALLERS = {"gateway", "helpdesk", "nhd-bridge"}
# Whose pages ask the bridge how partners are called, and where.
ASKERS, BRIDGE, PAGES = {"gateway", "helpdesk"}, "nhd-bridge", 8087
# Who mails whoever asks.
MAIL = {25, 465, 587}
MAILERS = {"helpdesk"}
# Whose files may lie in a store that speaks S3, and the keys of its Secret that are for it.
KEEPERS, STORE = {"gateway", "helpdesk"}, {"ACCESS": "access-key", "SECRET": "secret-key"}
PRIVATE = {
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
}


def services(render: Render) -> set[str]:
    """The names of the Services of edges."""
    return {
        one["metadata"]["name"]
        for one in render.of("Service")
        if (one["spec"].get("selector") or {}).get("app.kubernetes.io/name") in EDGES
    }


def there(_: Tree, render: Render) -> Iterator[str]:
    """An edge runs and migrates where its component is listed, and nowhere else."""
    wanted = sorted(
        (name, command)
        for name in EDGES
        if name in render.components
        for command in ("migrate", "run")
    )
    found = sorted((pod.service, pod.command) for pod in edges(render))
    if found != wanted:
        yield f"the edges' pods are {found}, wanted are {wanted}"


def given(tree: Tree, render: Render) -> Iterator[str]:
    """What it needs comes from one documented Secret; each file that a setting names is there."""
    readme = (tree.kubernetes / "README.md").read_text()
    for pod in edges(render):
        secret = f"deskmesh-{pod.service}"
        # What it asks for from whoever traces is everybody's: trace.py. So are the authorities of
        # the servers' certificates: companions.py.
        mounted = {
            volume["secret"]["secretName"]
            for volume in pod.spec["volumes"]
            if "secret" in volume and volume["name"] not in (TRACE, DATABASE_CA, BROKER_CA)
        }
        if mounted != {secret} or f"`{secret}`" not in readme:
            yield (
                f"{pod.title} mounts {sorted(mounted)}, documented in infra/kubernetes/README.md "
                f"is {secret}"
            )
        for name, value in pod.settings(render).items():
            if name.endswith("_FILE") and value not in _files(pod):
                yield (
                    f"{pod.title}: {name} names {value}, its Secret puts there "
                    f"{sorted(_files(pod))}"
                )


def _files(pod: Pod) -> set[str]:
    mounts = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
    return {
        f"{mounts[volume['name']]}/{item['path']}"
        for volume in pod.spec["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }


def kept(_: Tree, render: Render) -> Iterator[str]:
    """Files lie in S3, or in a claim that all replicas mount and no tool prunes, as set."""
    for pod in (
        one for one in edges(render) if "files" in PUBLIC[one.service] and one.command == "run"
    ):
        if FILES_S3 in render.components:
            yield from _in_s3(render, pod)
            continue
        claims = {
            volume["name"]: volume["persistentVolumeClaim"]["claimName"]
            for volume in pod.spec["volumes"]
            if "persistentVolumeClaim" in volume
        }
        mounts = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
        folder = pod.settings(render).get("DESKMESH__FILES__FOLDER")
        if [mounts.get(name) for name in claims] != [folder]:
            yield (
                f"{pod.title} keeps files in {folder}, its claims are mounted at "
                f"{[mounts.get(name) for name in claims]}"
            )
        for name in claims.values():
            claim = render.find("PersistentVolumeClaim", name) or {"spec": {}, "metadata": {}}
            if claim["spec"].get("accessModes") != ["ReadWriteMany"]:
                yield (
                    f"PersistentVolumeClaim/{name} is {claim['spec'].get('accessModes')}: all "
                    f"replicas write, it must be ReadWriteMany"
                )
            if (claim["metadata"].get("annotations") or {}).get(
                "kustomize.toolkit.fluxcd.io/prune"
            ) != "disabled":
                yield (
                    f"PersistentVolumeClaim/{name} can be pruned by a GitOps tool that no longer "
                    f"finds it"
                )


def _in_s3(render: Render, pod: Pod) -> Iterator[str]:
    settings = pod.settings(render)
    folder = settings.get("DESKMESH__FILES__FOLDER")
    if folder != "":
        yield f"{pod.title} keeps files in {folder} and in S3: it would not start"
    for key, name in STORE.items():
        file = settings.get(f"DESKMESH__FILES__S3_{key}_KEY_FILE")
        if file != f"/etc/deskmesh/s3/{name}":
            yield (
                f"{pod.title} reads the store's {name} from {file},"
                f" its Secret has it at /etc/deskmesh/s3/{name}"
            )
    claims = [one["name"] for one in pod.spec["volumes"] if "persistentVolumeClaim" in one]
    claim = f"{pod.service}-files"
    if render.find("PersistentVolumeClaim", claim):
        claims.append(claim)
    if claims:
        yield f"{pod.title} keeps files in S3, and the claims {claims} are left over"


def scaled(_: Tree, render: Render) -> Iterator[str]:
    """Its number is the autoscaler's alone, and never below two; no queue and no overlay sets
    it.
    """
    for one in (pod.owner for pod in edges(render) if pod.command == "run"):
        name = one["metadata"]["name"]
        scalers = [
            scaler["spec"]
            for scaler in render.of("HorizontalPodAutoscaler")
            if scaler["spec"]["scaleTargetRef"]["name"] == name
        ]
        if one["spec"].get("replicas") is not None or [
            scaler.get("minReplicas", 1) >= 2 for scaler in scalers
        ] != [True]:
            yield (
                f"{title(one)} needs one autoscaler with two replicas at least, and no number of "
                f"its own"
            )


def reached(tree: Tree, render: Render) -> Iterator[str]:
    """The world comes in where it listens for the world, by a Service of those ports; metrics stay
    inside, the operator's door closed.
    """
    for pod in (one for one in edges(render) if one.command == "run"):
        public = PUBLIC[pod.service]
        ports = {port["name"]: port["containerPort"] for port in pod.container["ports"]}
        listens = {
            name: int(pod.settings(render)[setting].rpartition(":")[2])
            for name, setting in public.items()
        }
        if {name: port for name, port in ports.items() if name in public} != listens:
            yield f"{pod.title} has the ports {ports}, it listens at {listens}"
        operator = pod.settings(render).get("DESKMESH__OPERATOR__LISTEN", "")
        if not operator.startswith("127.0.0.1:"):
            yield (
                f"{pod.title} opens the operator's door at {operator!r}: only its own loopback "
                f"may have it"
            )
        service = (render.find("Service", f"{pod.service}-public") or {"spec": {"ports": []}})[
            "spec"
        ]
        if {port["name"]: port["port"] for port in service["ports"]} != listens or service.get(
            "publishNotReadyAddresses"
        ):
            yield f"Service/{pod.service}-public must lead to {listens} of pods that are ready"
        for rule in _rules(render, pod, "ingress"):
            opened = {port["port"] for port in rule.get("ports", [{"port": "any"}])}
            if not rule.get("from") and opened != set(listens.values()):
                yield (
                    f"{pod.title} is open to everybody at {sorted(map(str, opened))}, wanted are "
                    f"{sorted(listens.values())}"
                )
            if rule.get("from") and opened == {PAGES} and pod.service == BRIDGE:
                asks = {
                    label
                    for peer in rule["from"]
                    for one in peer["podSelector"].get("matchExpressions", [])
                    for label in one["values"]
                }
                if asks != ASKERS:
                    yield (
                        f"{pod.title} lets {sorted(asks)} in at {PAGES}, which is for "
                        f"{sorted(ASKERS)}"
                    )
            elif rule.get("from") and opened != {METRICS}:
                yield (
                    f"{pod.title} lets some in at {sorted(map(str, opened))}: only {METRICS} is "
                    f"for some"
                )


def way_out(_: Tree, render: Render) -> Iterator[str]:
    """Out to broker, database and names; for whoever calls on accounts' behalf, to what is public;
    and for who mails, to mail.
    """
    for pod in edges(render):
        needed = (
            set(DATABASE)
            if pod.command == "migrate"
            else {
                *BROKER,
                *DATABASE,
                *(WEB if pod.service in CALLERS else ()),
                *(MAIL if pod.service in MAILERS else ()),
                *({PAGES} if pod.service in ASKERS else ()),
                *({443} if pod.service in KEEPERS and FILES_S3 in render.components else ()),
            }
        )
        if pod.command == "run" and pod.settings(render).get("DESKMESH__TELEMETRY__OTLP_ENDPOINT"):
            needed.add(COLLECTOR)
        rules = [
            rule
            for rule in _rules(render, pod, "egress")
            if {port["port"] for port in rule.get("ports", [])} != {53}
        ]
        if any(not rule.get("ports") for rule in rules):
            yield f"{pod.title} may go out to any port"
        allowed = {port["port"] for rule in rules for port in rule.get("ports", [])}
        surplus = allowed - needed
        for key, ports in (
            ("the broker", BROKER),
            ("the database", DATABASE),
            ("what accounts name", WEB),
            ("the mail server", MAIL),
            ("the bridge", {PAGES}),
        ):
            if ports <= needed and not allowed & ports:
                yield (
                    f"{pod.title} needs {key}, but no policy lets it out to any of the ports "
                    f"{sorted(ports)}"
                )
        if surplus:
            yield f"{pod.title} may go out to {sorted(surplus)}, which it does not need"
        for rule in rules:
            if WEB & {port["port"] for port in rule.get("ports", [])}:
                refused = {
                    network
                    for peer in rule.get("to", [{}])
                    for network in peer.get("ipBlock", {}).get("except", [])
                }
                if not refused >= PRIVATE:
                    yield (
                        f"{pod.title} may call {sorted(PRIVATE - refused)}: an account could name "
                        f"what is inside"
                    )


def _rules(render: Render, pod: Pod, direction: str) -> list[Object]:
    policies = [
        one["spec"]
        for one in render.of("NetworkPolicy")
        if selects(one["spec"]["podSelector"], pod.labels)
    ]
    return [rule for spec in policies for rule in spec.get(direction, [])]


ALL = (there, given, kept, scaled, reached, way_out)
