"""The pods of a render, with what they are given."""

from dataclasses import dataclass
from typing import Any

from render import CANARY, TRACE, Render
from tree import EDGES, NAME, Object, title

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@dataclass(frozen=True)
class Pod:
    """What a workload's template says."""

    owner: Object
    labels: dict[str, str]
    spec: Object

    @property
    def title(self) -> str:
        return title(self.owner)

    @property
    def service(self) -> str:
        return self.labels.get(NAME, "")

    @property
    def container(self) -> Object:
        return self.spec["containers"][0]

    @property
    def command(self) -> str:
        """`run` or `migrate`; `canary`, `serve`."""
        return (self.container.get("args") or [""])[0]

    def settings(self, render: Render) -> dict[str, str]:
        """The environment as the process sees it; a reference that leads nowhere is left out, and
        found elsewhere.
        """
        values: dict[str, str] = {}
        for source in self.container.get("envFrom", []):
            found = render.find("ConfigMap", source.get("configMapRef", {}).get("name", ""))
            values.update((found or {}).get("data") or {})
        values.update(
            {entry["name"]: entry.get("value", "") for entry in self.container.get("env", [])}
        )
        return values


def every_pod(render: Render) -> list[Pod]:
    return [_pod(one) for one in render.of(*WORKLOADS)]


def pods(render: Render) -> list[Pod]:
    """Those of the services of the line."""
    return [pod for pod in every_pod(render) if pod.service not in (CANARY, TRACE, *EDGES)]


def edges(render: Render) -> list[Pod]:
    """Those of the edges, which have an origin of their own, files, and Secrets of their own."""
    return [pod for pod in every_pod(render) if pod.service in EDGES]


def canaries(render: Render) -> list[Pod]:
    return [pod for pod in every_pod(render) if pod.service == CANARY]


def tracers(render: Render) -> list[Pod]:
    """Those of the operator's program that asks the services."""
    return [pod for pod in every_pod(render) if pod.service == TRACE]


def _pod(one: Object) -> Pod:
    template: dict[str, Any] = (
        one["spec"]["template"]
        if one["kind"] != "CronJob"
        else one["spec"]["jobTemplate"]["spec"]["template"]
    )
    return Pod(one, template["metadata"].get("labels") or {}, template["spec"])
