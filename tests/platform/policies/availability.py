"""How many, where, and what may be taken away."""

from collections.abc import Iterator

from pods import edges, pods, tracers
from render import Render
from tree import Object, Tree, selects, title


def every_service(tree: Tree, render: Render) -> Iterator[str]:
    """Each service runs and migrates."""
    for kind, command in (("Deployment", "run"), ("Job", "migrate")):
        found = sorted(
            pod.service
            for pod in pods(render)
            if pod.owner["kind"] == kind and pod.command == command
        )
        if found != tree.services():
            yield f"{command} is a {kind} for {found}, the services are {tree.services()}"


def _services(render: Render) -> list[Object]:
    """The Deployments that carry messages."""
    others = [pod.title for pod in (*tracers(render), *edges(render))]
    return [one for one in render.of("Deployment") if title(one) not in others]


def own_pods(_: Tree, render: Render) -> Iterator[str]:
    """A Deployment and a disruption budget select the pods of one Deployment, and no Job's."""
    for one in (*_services(render), *render.of("PodDisruptionBudget")):
        selected = [
            pod
            for pod in (*pods(render), *edges(render))
            if selects(one["spec"]["selector"], pod.labels)
        ]
        if one["kind"] == "PodDisruptionBudget" and not selected and _is_brokers(one):
            continue
        if len(selected) != 1 or selected[0].owner["kind"] != "Deployment":
            yield (
                f"{title(one)} selects the pods of {[pod.title for pod in selected]}, not of one "
                f"Deployment"
            )


def _is_brokers(budget: dict) -> bool:
    """RabbitMQ's pods are made by its operator, and are in no render."""
    return (
        budget["spec"]["selector"]["matchLabels"].get("app.kubernetes.io/component") == "rabbitmq"
    )


def disruption(_: Tree, render: Render) -> Iterator[str]:
    """One pod at a time, and one that never gets ready holds nobody up."""
    for pod in (*pods(render), *edges(render)):
        if pod.owner["kind"] != "Deployment":
            continue
        budgets = [
            one["spec"]
            for one in render.of("PodDisruptionBudget")
            if selects(one["spec"]["selector"], pod.labels)
        ]
        if len(budgets) != 1:
            yield f"{pod.title} has {len(budgets)} disruption budgets, needs one"
        for budget in budgets:
            if (
                budget.get("maxUnavailable") != 1
                or budget.get("unhealthyPodEvictionPolicy") != "AlwaysAllow"
            ):
                yield (
                    f"{pod.title}: its disruption budget must allow one pod, and the eviction of "
                    f"pods that are not ready"
                )


def rollout(_: Tree, render: Render) -> Iterator[str]:
    """Never less than before."""
    for one in _services(render):
        if one["spec"].get("strategy", {}).get("rollingUpdate") != {
            "maxUnavailable": 0,
            "maxSurge": 1,
        }:
            yield (
                f"{title(one)} may have less pods during a rollout: maxUnavailable must be 0, "
                f"maxSurge 1"
            )


def replicas(_: Tree, render: Render) -> Iterator[str]:
    """The number is said once: by the scaler, or by the Deployment."""
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in render.of("ScaledObject", "HorizontalPodAutoscaler")
    }
    for name in scaled - {one["metadata"]["name"] for one in render.of("Deployment")}:
        yield f"a scaler scales Deployment/{name}, which does not exist"
    for one in _services(render):
        given = one["spec"].get("replicas")
        if one["metadata"]["name"] in scaled and given is not None:
            yield f"{title(one)} has replicas {given} beside a scaler: both would set the number"
        if one["metadata"]["name"] not in scaled and given is None:
            yield f"{title(one)} has no replicas and no scaler: it would run once"
        if render.overlay == "production" and given is not None and given < 3:
            yield f"{title(one)} has replicas {given}; production has three zones"


def spread(_: Tree, render: Render) -> Iterator[str]:
    """Pods of one service stand apart; in production that is a condition."""
    wanted = "DoNotSchedule" if render.overlay == "production" else "ScheduleAnyway"
    for pod in pods(render):
        if pod.owner["kind"] != "Deployment":
            continue
        rules = {one["topologyKey"]: one for one in pod.spec.get("topologySpreadConstraints", [])}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname"):
            rule = rules.get(key, {})
            if rule.get("whenUnsatisfiable") != wanted or rule.get("maxSkew") != 1:
                yield f"{pod.title} is not spread over {key} with maxSkew 1 and {wanted}"
            elif not selects(rule.get("labelSelector"), pod.labels) or not rule["labelSelector"][
                "matchLabels"
            ].get("app.kubernetes.io/name"):
                yield f"{pod.title}: its spread over {key} counts other pods than its own"


ALL = (every_service, own_pods, disruption, rollout, replicas, spread)
