"""RabbitMQ's definitions and the operator's resources describe the same objects."""

import json
from collections.abc import Iterator

from render import Render
from tree import Object, Tree

BROKER = ("rabbitmq.com/v1beta1",)


def same_as_definitions(tree: Tree, render: Render) -> Iterator[str]:
    """Every object of the one is in the other, with the same rights, arguments and limits."""
    if not render.of("Vhost"):
        return
    definitions = json.loads((tree.root / "infra/rabbitmq/definitions.json").read_text())
    for kind, wanted in _from_definitions(definitions).items():
        found = _from_resources(render)[kind]
        for row in sorted(wanted - found):
            yield f"infra/rabbitmq/definitions.json has in {kind} what no resource has: {row}"
        for row in sorted(found - wanted):
            yield f"a resource has in {kind} what infra/rabbitmq/definitions.json does not: {row}"


def one_broker(_: Tree, render: Render) -> Iterator[str]:
    """All of them are on the broker that the component says."""
    wanted = (
        {"name": "broker"}
        if "rabbitmq-operator" in render.components
        else {"connectionSecret": {"name": "deskmesh-broker-admin"}}
    )
    for one in render.objects:
        if one["apiVersion"] in BROKER and one["kind"] != "RabbitmqCluster":
            reference = one["spec"].get("rabbitmqClusterReference")
            if reference != wanted:
                yield (
                    f"{one['kind']}/{one['metadata']['name']} is on the broker {reference}, not "
                    f"{wanted}"
                )


def _row(**fields: object) -> str:
    return json.dumps(fields, sort_keys=True)


def _from_definitions(all_of: Object) -> dict[str, set[str]]:
    return {
        "vhosts": {_row(name=one["name"]) for one in all_of["vhosts"]},
        "users": {_row(name=one["name"]) for one in all_of["users"]},
        "permissions": {_row(**one) for one in all_of["permissions"]},
        "topic_permissions": {_row(**one) for one in all_of["topic_permissions"]},
        "exchanges": {
            _row(**{key: value for key, value in one.items() if key != "internal"})
            for one in all_of["exchanges"]
        },
        "queues": {_row(**one) for one in all_of["queues"]},
        "bindings": {_row(**one) for one in all_of["bindings"]},
        "policies": {_row(**one) for one in all_of["policies"]},
    }


def _from_resources(render: Render) -> dict[str, set[str]]:
    def specs(kind: str) -> list[Object]:
        return [one["spec"] for one in render.of(kind) if one["apiVersion"] in BROKER]

    users = {
        one["metadata"]["name"]: one["spec"]["importCredentialsSecret"]["name"]
        for one in render.of("User")
    }
    return {
        "vhosts": {_row(name=one["name"]) for one in specs("Vhost")},
        # The user's name stands in its Secret, which is named after it.
        "users": {_row(name=secret.removeprefix("broker-user-")) for secret in users.values()},
        "permissions": {
            _row(user=one["userReference"]["name"], vhost=one["vhost"], **one["permissions"])
            for one in specs("Permission")
        },
        "topic_permissions": {
            _row(user=one["userReference"]["name"], vhost=one["vhost"], **one["permissions"])
            for one in specs("TopicPermission")
        },
        "exchanges": {_row(type=one["type"], **_declared(one, {})) for one in specs("Exchange")},
        "queues": {_row(**_declared(one, {"x-queue-type": one["type"]})) for one in specs("Queue")},
        "bindings": {
            _row(
                source=one["source"],
                vhost=one["vhost"],
                destination=one["destination"],
                arguments={},
                destination_type=one["destinationType"],
                routing_key=one["routingKey"],
            )
            for one in specs("Binding")
        },
        "policies": {
            _row(
                **{
                    "name": one["name"],
                    "vhost": one["vhost"],
                    "pattern": one["pattern"],
                    "apply-to": one["applyTo"],
                    "priority": one["priority"],
                    "definition": one["definition"],
                }
            )
            for one in specs("Policy")
        },
    }


def _declared(spec: Object, more: Object) -> Object:
    return {
        "name": spec["name"],
        "vhost": spec["vhost"],
        "durable": spec["durable"],
        "auto_delete": spec["autoDelete"],
        "arguments": {**spec.get("arguments", {}), **more},
    }


ALL = (same_as_definitions, one_broker)
