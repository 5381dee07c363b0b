"""Whether a webhook came from the gateway (Standard Webhooks, signatures `v1`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Iterable, Mapping

TOLERANCE = 300  # seconds that the clocks of both sides may differ


class WebhookError(Exception):
    """It was not sent by the gateway, not now, or not as it is: answer 400 and do nothing."""


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is `whsec_` and base64") from error


def verify(secrets: str | Iterable[str], headers: Mapping[str, str], body: bytes, now: float | None = None) -> Any:
    """The webhook's content. `body` is what arrived, byte by byte; several secrets: while one is exchanged.

    `webhook-id` is the same when it is sent again: take each id once.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, sent_at, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id and signatures and sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 16):
        raise WebhookError("webhook-id, webhook-timestamp or webhook-signature is missing or unreadable")
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE:
        raise WebhookError("webhook-timestamp is more than five minutes from now")
    signed = f"{id}.{sent_at}.".encode() + body
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    made = [base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)) for secret in known]
    versions = [signature.partition(",") for signature in signatures.split(" ")]
    shown = [signature.encode() for version, _, signature in versions if version == "v1"]
    # Every pair is compared, so that time tells nothing.
    if not any([hmac.compare_digest(one, other) for one in made for other in shown]):
        raise WebhookError("no signature is made with this secret")
    return json.loads(body)
