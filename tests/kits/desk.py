#!/usr/bin/env python3
"""A desk on the Python kit: does what lines of JSON on standard input ask for, and answers each
with a line.
"""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services/gateway/kits/python/src"))
from deskmesh import Client, Deliveries, Store, https  # noqa: E402

dies = None  # where the process is to die: "before_request", "after_request" or "before_cursor"
told = []


def die(where):
    if dies == where:
        os.kill(os.getpid(), signal.SIGKILL)


def exchange(method, *request):
    if method == "POST":
        die("before_request")
    answer = transport(method, *request)
    if method == "POST":
        die("after_request")
    return answer


def handler(delivery):
    told.append(delivery)
    die("before_cursor")


transport = https(os.environ.get("DESKMESH_CA"))
client = Client(
    os.environ["GATEWAY_URL"], os.environ["DESK_TOKEN"], Store(os.environ["DESK_STORE"]), exchange
)
deliveries = Deliveries(client, handler)
resent = client.pending()
client.resend()
print(json.dumps({"resent": resent}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    dies = asked.get("dies")
    if asked["do"] == "send":
        answer = client.send(asked["type"], asked["payload"], asked["key"], wait=20)
    elif asked["do"] == "read":
        told.clear()
        deliveries.once(wait=asked["wait"])
        answer = {"told": told}
    elif asked["do"] == "base":
        answer = {"revision": client.model.base_revision(asked["number"], asked["fields"])}
    elif asked["do"] == "cursor":
        client.store.save({"cursor": asked["cursor"]})
        answer = {}
    else:
        answer = {
            "tickets": client.model.tickets,
            "early": client.model.early,
            "sent": list(client.model.sent),
            "pending": client.pending(),
        }
    print(json.dumps(answer), flush=True)
