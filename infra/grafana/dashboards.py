#!/usr/bin/env python3
"""What Grafana shows: the panels of each dashboard, and the JSON that is made of them.

    infra/grafana/dashboards.py        rewrites the JSON files beside it

A panel is a title, what it says to whoever was just woken, a unit, and queries by legend. Written
by hand, the files would be two thousand lines in which nobody sees a wrong unit. Python's own
library is all it needs.
"""

from pathlib import Path

from panel import Dashboard, Panel, Row, Variable, quantile, text

SERVICES = "agreement-service|share-dispatcher|comment-sync|field-sync|notifier"
READ_BY_SERVICES = f"({SERVICES})([.]unroutable)?"
DESKS = 'queue=~"desk[.].+",queue!="desk.parked"'
READY = "rabbitmq_detailed_queue_messages_ready"
LATE = "deskmesh:late_deliveries:ratio_rate"

OVERVIEW = Dashboard(
    "overview",
    "Deskmesh: overview",
    "Is the promise kept, and if not, where does it break? From here to the other dashboards by "
    "the links above.",
    rows=[
        Row(
            "Is somebody hurt?",
            5,
            [
                Panel(
                    "What fires",
                    "Each alert names its runbook. Begin with a page; of several, with broker or "
                    "database.",
                    "none",
                    {
                        "": (
                            "sum by (alertname, severity, job, queue) "
                            '(ALERTS{alertname=~"Deskmesh.+",alertstate="firing"})'
                        )
                    },
                    kind="table",
                    wide=8,
                ),
                Panel(
                    "Late",
                    "Share of deliveries that took more than 30 s, in the last hour; promised is "
                    "1 %. Runbook late-deliveries.",
                    "percentunit",
                    {"late": f"{LATE}1h"},
                    kind="stat",
                    red_from=0.01,
                ),
                Panel(
                    "Canary",
                    "Since a comment last crossed from one of our own desks to the other. It "
                    "tries every minute. Runbook canary-missing.",
                    "s",
                    {"ago": "time() - deskmesh:canary:last_success_timestamp_seconds"},
                    kind="stat",
                    red_from=300,
                ),
                Panel(
                    "Parked",
                    "Messages that wait for a person. Runbook parked-messages, dashboard parked.",
                    "short",
                    {"parked": "sum(max by (job, reason) (deskmesh_parked))"},
                    kind="stat",
                    red_from=1,
                ),
                Panel(
                    "Undelivered",
                    "Deliveries whose desk's queue is missing or full. Runbook desk-does-not-read.",
                    "short",
                    {"undelivered": "sum(max by (job) (deskmesh_undelivered))"},
                    kind="stat",
                    red_from=1,
                ),
            ],
        ),
        Row(
            "The promise",
            8,
            [
                Panel(
                    "From command to delivery",
                    "All types. p99 above 30 s breaks the promise. Seconds and not milliseconds: "
                    "something waits. Runbook late-deliveries.",
                    "s",
                    {
                        "p50": quantile(0.5, "deskmesh_sync_seconds"),
                        "p99": quantile(0.99, "deskmesh_sync_seconds"),
                    },
                    red_from=30,
                ),
                Panel(
                    "How fast the budget burns",
                    "Late share by window. It pages above 14.4 % in 5 m and 1 h, and above 6 % in "
                    "30 m and 6 h.",
                    "percentunit",
                    {window: f"{LATE}{window}" for window in ("5m", "30m", "1h", "6h")},
                    red_from=0.06,
                ),
            ],
        ),
        Row(
            "Where is it?",
            8,
            [
                Panel(
                    "Messages by service",
                    "What each has done with. One at zero while those before it are not: runbook "
                    "queue-without-consumer.",
                    "ops",
                    {"{{job}}": "sum by (job) (rate(deskmesh_messages_total[$__rate_interval]))"},
                ),
                Panel(
                    "Queues of services",
                    "What waits to be read. The longest is before the service that does not keep "
                    "up: runbook queue-growing.",
                    "short",
                    {"{{queue}}": f'max by (queue) ({READY}{{queue=~"{READ_BY_SERVICES}"}})'},
                ),
                Panel(
                    "A batch",
                    "p99 of decide, save, send, confirm. All services slow: database or broker. "
                    "One slow: its queries.",
                    "s",
                    {"{{job}}": quantile(0.99, "deskmesh_step_seconds", "job")},
                ),
                Panel(
                    "Not taken by the broker",
                    "To sync: a batch is held, runbook unroutable. To desk: a delivery waits, "
                    "runbook desk-does-not-read.",
                    "ops",
                    {
                        "{{job}} {{exchange}} {{cause}}": (
                            "sum by (job, exchange, cause) "
                            "(rate(deskmesh_refused_publishes_total[$__rate_interval]))"
                        )
                    },
                ),
                Panel(
                    "Canary, step by step",
                    "Its last round. Which step is slow says where to look. Nothing, where it "
                    "runs as a CronJob.",
                    "s",
                    {"{{step}}": "max by (step) (deskmesh_canary_seconds)"},
                ),
                Panel(
                    "Not decided",
                    "Refused: a desk's mistake. Not yet: it waits up to six seconds for what is "
                    "not known. Known: sent again after a fault.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) "
                            "(rate(deskmesh_messages_total{"
                            'outcome!="decided"}[$__rate_interval]))'
                        )
                    },
                ),
            ],
        ),
        Row(
            "What it stands on",
            8,
            [
                Panel(
                    "Replicas",
                    "That answer Prometheus. Fewer than you run: runbook service-gone.",
                    "short",
                    {"{{job}}": f'count by (job) (deskmesh_build_info{{job=~"{SERVICES}"}})'},
                ),
                Panel(
                    "Reached",
                    "1: some replica reaches it. 0: none does, and the service stands still. "
                    "Runbooks broker-lost, database-lost, replica-waits.",
                    "short",
                    {"{{job}} {{dependency}}": "max by (job, dependency) (deskmesh_ready)"},
                ),
                Panel(
                    "Broker",
                    "Processes from which the broker takes nothing: it is short of memory or "
                    "disk. Runbook broker-blocked.",
                    "short",
                    {"blocked": "sum(deskmesh_broker_blocked)"},
                    red_from=1,
                ),
                Panel(
                    "Longest queues of desks",
                    "An account's own matter, until many are in here at once. Runbook "
                    "desk-does-not-read.",
                    "short",
                    {"{{queue}}": f"topk(10, max by (queue) ({READY}{{{DESKS}}}))"},
                ),
            ],
        ),
    ],
)

FLOW = Dashboard(
    "flow",
    "Deskmesh: one message type",
    "One type on its way through all services. Transfers and facts go between services, commands "
    "come from desks, deliveries go to them.",
    variables=[
        Variable("type", "label_values(deskmesh_messages_total, type)", "what services read"),
        Variable(
            "delivery", "label_values(deskmesh_sync_seconds_count, type)", "what desks are told"
        ),
    ],
    rows=[
        Row(
            "Through the services",
            9,
            [
                Panel(
                    "What each service did with it",
                    "In the order of the line. Where the number falls, it stops: look at that "
                    "service.",
                    "ops",
                    {
                        "{{job}} {{outcome}}": (
                            "sum by (job, outcome) "
                            '(rate(deskmesh_messages_total{type="$type"}[$__rate_interval]))'
                        )
                    },
                    wide=24,
                ),
            ],
        ),
        Row(
            "How long it waits",
            8,
            [
                Panel(
                    "In the queue, p99",
                    "From the publisher's clock to the service, in whole seconds. One service "
                    "alone: it does not keep up. Runbook queue-growing.",
                    "s",
                    {
                        "{{job}}": quantile(
                            0.99, "deskmesh_queue_wait_seconds", "job", 'type="$type"'
                        )
                    },
                ),
                Panel(
                    "In the queue, p50",
                    "If half of all wait as well, it is no odd one: the queue is long.",
                    "s",
                    {
                        "{{job}}": quantile(
                            0.5, "deskmesh_queue_wait_seconds", "job", 'type="$type"'
                        )
                    },
                ),
                Panel(
                    "A batch, p99",
                    "Of all types: batches are mixed. Decide, save, send, confirm.",
                    "s",
                    {"{{job}}": quantile(0.99, "deskmesh_step_seconds", "job")},
                ),
                Panel(
                    "Not yet",
                    "Commands that wait for an account, an agreement or a share: six seconds at "
                    "most, then refused or parked.",
                    "ops",
                    {
                        "{{job}}": (
                            "sum by (job) "
                            '(rate(deskmesh_messages_total{type="$type",'
                            'outcome="not_yet"}[$__rate_interval]))'
                        )
                    },
                ),
            ],
        ),
        Row(
            "At the desks",
            8,
            [
                Panel(
                    "Delivered",
                    "Confirmed by desks' queues.",
                    "ops",
                    {
                        "{{type}}": (
                            "sum by (type) "
                            "(rate(deskmesh_sync_seconds_count{"
                            'type="$delivery"}[$__rate_interval]))'
                        )
                    },
                ),
                Panel(
                    "From command to delivery",
                    "The promise is 99 % within 30 s. Runbook late-deliveries.",
                    "s",
                    {
                        "p50": quantile(0.5, "deskmesh_sync_seconds", where='type="$delivery"'),
                        "p99": quantile(0.99, "deskmesh_sync_seconds", where='type="$delivery"'),
                    },
                    red_from=30,
                ),
            ],
        ),
    ],
)

SERVICE = Dashboard(
    "service",
    "Deskmesh: one service",
    "All that one service tells, replica by replica.",
    variables=[Variable("job", "label_values(deskmesh_build_info, job)", "service")],
    rows=[
        Row(
            "Is it well?",
            5,
            [
                Panel(
                    "Replicas",
                    "By version. Two versions for more than an hour: a rollout stopped, runbook "
                    "schema-mismatch.",
                    "short",
                    {"{{version}}": 'count by (version) (deskmesh_build_info{job="$job"})'},
                    kind="stat",
                ),
                Panel(
                    "Youngest replica",
                    "Since it started. Minutes, again and again: runbook service-gone, restarts.",
                    "s",
                    {"age": 'time() - max(process_start_time_seconds{job="$job"})'},
                    kind="stat",
                ),
                Panel(
                    "Wait for migrations",
                    "Replicas that consume nothing until they have run. Runbook schema-mismatch.",
                    "short",
                    {"wait": 'sum(deskmesh_schema_mismatch{job="$job"})'},
                    kind="stat",
                    red_from=1,
                ),
                Panel(
                    "Parked",
                    "By reason, dashboard parked. Runbook parked-messages.",
                    "short",
                    {"parked": 'sum(max by (reason) (deskmesh_parked{job="$job"}))'},
                    kind="stat",
                    red_from=1,
                ),
                Panel(
                    "Undelivered",
                    "Deliveries whose desk's queue is missing or full. Runbook desk-does-not-read.",
                    "short",
                    {"undelivered": 'max(deskmesh_undelivered{job="$job"})'},
                    kind="stat",
                    red_from=1,
                ),
                Panel(
                    "Readers",
                    "Consumers on its queue: replicas times broker.slots. None: runbook "
                    "queue-without-consumer.",
                    "short",
                    {"readers": 'max(rabbitmq_detailed_queue_consumers{queue="$job"})'},
                    kind="stat",
                    red_below=1,
                ),
            ],
        ),
        Row(
            "What it does",
            8,
            [
                Panel(
                    "By type",
                    "What it has done with.",
                    "ops",
                    {
                        "{{type}}": (
                            "sum by (type) "
                            '(rate(deskmesh_messages_total{job="$job"}[$__rate_interval]))'
                        )
                    },
                ),
                Panel(
                    "By outcome",
                    "Known: it came again after a fault, and was only sent again. Much refused: "
                    "runbook refused-commands-flood.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) "
                            '(rate(deskmesh_messages_total{job="$job"}[$__rate_interval]))'
                        )
                    },
                ),
                Panel(
                    "Its queues",
                    "Rising for minutes: runbook queue-growing.",
                    "short",
                    {"{{queue}}": f'max by (queue) ({READY}{{queue=~"$job([.].+)?"}})'},
                ),
                Panel(
                    "Wait in the queue, p99",
                    "In whole seconds, as AMQP's timestamps are.",
                    "s",
                    {
                        "{{type}}": quantile(
                            0.99, "deskmesh_queue_wait_seconds", "type", 'job="$job"'
                        )
                    },
                ),
            ],
        ),
        Row(
            "How it works",
            8,
            [
                Panel(
                    "A batch",
                    "Decide, save, send, confirm. Slow here and in all others: database or broker.",
                    "s",
                    {
                        "p50": quantile(0.5, "deskmesh_step_seconds", where='job="$job"'),
                        "p99": quantile(0.99, "deskmesh_step_seconds", where='job="$job"'),
                    },
                ),
                Panel(
                    "Messages in a batch",
                    "Near broker.batch_size all the time: it cannot take more at once, give it "
                    "replicas.",
                    "short",
                    {
                        "p50": quantile(0.5, "deskmesh_batch_size", where='job="$job"'),
                        "p99": quantile(0.99, "deskmesh_batch_size", where='job="$job"'),
                    },
                ),
                Panel(
                    "Oldest batch in hand",
                    "Milliseconds. More than two minutes pages: runbook step-stuck.",
                    "s",
                    {
                        "{{instance}}": (
                            'max by (instance) (deskmesh_oldest_step_seconds{job="$job"})'
                        )
                    },
                    red_from=120,
                ),
                Panel(
                    "Reached",
                    "1: it reaches it. 0 in one replica: runbook replica-waits. In all: cut off, "
                    "the same.",
                    "short",
                    {
                        "{{instance}} {{dependency}}": (
                            'min by (instance, dependency) (deskmesh_ready{job="$job"})'
                        )
                    },
                ),
                Panel(
                    "Blocked by the broker",
                    "1: the broker takes nothing from it. Runbook broker-blocked.",
                    "short",
                    {"{{instance}}": 'max by (instance) (deskmesh_broker_blocked{job="$job"})'},
                    red_from=1,
                ),
                Panel(
                    "Connections built anew",
                    "In the last half hour. One for each restarted node is usual. Runbook "
                    "replica-waits, interruptions.",
                    "short",
                    {"{{instance}}": 'increase(deskmesh_interruptions_total{job="$job"}[30m])'},
                ),
                Panel(
                    "Not taken by the broker",
                    "To sync: the batch is held, runbook unroutable. To desk: the delivery waits, "
                    "runbook desk-does-not-read.",
                    "ops",
                    {
                        "{{exchange}} {{cause}}": (
                            "sum by (exchange, cause) "
                            "(rate(deskmesh_refused_publishes_total{"
                            'job="$job"}[$__rate_interval]))'
                        )
                    },
                ),
                Panel(
                    "Old rows that are still there",
                    "For how long the oldest should have been gone. A day: runbook "
                    "retention-behind.",
                    "s",
                    {
                        "{{table}}": (
                            'max by (table) (deskmesh_retention_overdue_seconds{job="$job"})'
                        )
                    },
                    red_from=86400,
                ),
                Panel(
                    "Days with a place for outputs",
                    "After today; three. None: runbook retention-behind, no place.",
                    "short",
                    {"days": 'max(deskmesh_output_days_ahead{job="$job"})'},
                    red_below=1,
                ),
                Panel(
                    "Mails",
                    "notifier alone. Put off and none sent: runbook mails-fail.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) "
                            '(rate(deskmesh_mails_total{job="$job"}[$__rate_interval]))'
                        )
                    },
                ),
            ],
        ),
    ],
)

PARKED = Dashboard(
    "parked",
    "Deskmesh: parked and undelivered",
    "What waits for a person, and what waits for a desk. Nothing of it is lost, and nothing of it "
    "holds up anybody else.",
    rows=[
        Row(
            "For a person",
            9,
            [
                Panel(
                    "Parked now",
                    "By service and reason. The reasons, and what to do for each: runbook "
                    "parked-messages.",
                    "short",
                    {"": "max by (job, reason) (deskmesh_parked) > 0"},
                    kind="table",
                ),
                Panel(
                    "Parked, over time",
                    "A step: one cause for all of them, look what was released then. A slope: "
                    "somebody's loop.",
                    "short",
                    {"{{job}} {{reason}}": "max by (job, reason) (deskmesh_parked) > 0"},
                ),
                Panel(
                    "Being parked",
                    "In ten minutes. It pages when a service parks more than twenty, for reasons "
                    "that are not an account's.",
                    "short",
                    {
                        "{{job}} {{reason}}": (
                            "sum by (job, reason) (increase(deskmesh_parked_total[10m])) > 0"
                        )
                    },
                ),
                Panel(
                    "Dead letters",
                    "On their way into the table. They do not stay: if they do, runbook "
                    "queue-without-consumer.",
                    "short",
                    {"{{queue}}": f'max by (queue) ({READY}{{queue=~".+[.]parked"}})'},
                ),
            ],
        ),
        Row(
            "For a desk",
            9,
            [
                Panel(
                    "Undelivered",
                    "Their desk's queue is missing or full; whose, says runbook "
                    "desk-does-not-read.",
                    "short",
                    {"{{job}}": "max by (job) (deskmesh_undelivered)"},
                ),
                Panel(
                    "The oldest",
                    "After a week, 604800 s, it is parked.",
                    "s",
                    {"{{job}}": "max by (job) (deskmesh_undelivered_oldest_seconds)"},
                    red_from=432000,
                ),
                Panel(
                    "Desks away",
                    "Their queues did not take the last delivery: one is tried, the rest waits.",
                    "short",
                    {"{{job}}": "max by (job) (deskmesh_desks_away)"},
                ),
                Panel(
                    "Accounts in bulk",
                    "They send more at once than others should wait for: their commands are "
                    "decided when others leave time. Runbook queue-growing.",
                    "short",
                    {"{{job}}": "max by (job) (deskmesh_accounts_in_bulk)"},
                ),
                Panel(
                    "Find no queue",
                    "Beside those that find one. Half of all: desks' queues or bindings are gone, "
                    "runbook desk-does-not-read, undelivered.",
                    "ops",
                    {
                        "no queue": "sum(rate(deskmesh_undelivered_total[$__rate_interval]))",
                        "delivered": "sum(rate(deskmesh_sync_seconds_count[$__rate_interval]))",
                    },
                ),
                Panel(
                    "Longest queues of desks",
                    "At 100,000 a queue is full, and its deliveries are undelivered.",
                    "short",
                    {"{{queue}}": f"topk(10, max by (queue) ({READY}{{{DESKS}}}))"},
                    red_from=100000,
                ),
            ],
        ),
    ],
)

EDGES = Dashboard(
    "edges",
    "Deskmesh: edges",
    "What accounts ask through the gateway, and what it calls on their behalf.",
    rows=[
        Row(
            "Asked",
            9,
            [
                Panel(
                    "Commands accepted",
                    "By type. Each is kept until its receipt is there.",
                    "ops",
                    {
                        "{{type}}": (
                            "sum by (type) "
                            "(rate(deskmesh_gateway_commands_total[$__rate_interval]))"
                        )
                    },
                ),
                Panel(
                    "The oldest without a receipt",
                    "It is sent again after 600 s. Above 900 s: runbook commands-wait.",
                    "s",
                    {"{{job}}": "max by (job) (deskmesh_outbox_oldest_seconds)"},
                    red_from=900,
                ),
            ],
        ),
        Row(
            "Told",
            9,
            [
                Panel(
                    "Webhooks",
                    "Single endpoints fail often, and wait alone. Most of them at once: runbook "
                    "webhooks-fail.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) "
                            "(rate(deskmesh_gateway_webhook_attempts_total[$__rate_interval]))"
                        )
                    },
                ),
                Panel(
                    "Files copied",
                    "That commands name and that lie elsewhere, an attempt each. Given up: the "
                    "link goes as it was given.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) (rate(deskmesh_files_copied_total[$__rate_interval]))"
                        )
                    },
                ),
                Panel(
                    "Waits to be told",
                    "What edges have not read of their queues: runbook desk-does-not-read.",
                    "short",
                    {
                        "{{queue}}": (
                            f"max by (queue) "
                            f'({READY}{{queue=~"desk[.](gateway|helpdesk|nhd-bridge)"}})'
                        )
                    },
                ),
            ],
        ),
        Row(
            "Partners that speak Networked Help Desk",
            9,
            [
                Panel(
                    "Calls",
                    "One partner fails often, and waits alone. Most of them at once: runbook "
                    "nhd-partner-fails.",
                    "ops",
                    {
                        "{{outcome}}": (
                            "sum by (outcome) (rate(deskmesh_nhd_calls_total[$__rate_interval]))"
                        )
                    },
                ),
                Panel(
                    "How long they take",
                    "What 99 of 100 calls take at most.",
                    "s",
                    {
                        "99 of 100": (
                            "histogram_quantile(0.99, sum by (le) "
                            "(rate(deskmesh_nhd_call_seconds_bucket[$__rate_interval])))"
                        )
                    },
                ),
                Panel(
                    "Refused",
                    "Requests of partners, by status. 503 is overload.",
                    "ops",
                    {
                        "{{status}}": (
                            "sum by (status) (rate(deskmesh_nhd_refused_total[$__rate_interval]))"
                        )
                    },
                ),
            ],
        ),
    ],
)

DASHBOARDS = (OVERVIEW, FLOW, SERVICE, PARKED, EDGES)


def main() -> None:
    for dashboard in DASHBOARDS:
        (Path(__file__).resolve().parent / f"{dashboard.name}.json").write_text(text(dashboard))


if __name__ == "__main__":
    main()
