"""Whether a webhook came from the gateway (Standard Webhooks, signatures `v1` and `v1a`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Iterable, Mapping

from .ed25519 import is_signed

PUBLIC = "whpk_"
TOLERANCE = 300  # seconds that the clocks of both sides may differ


class WebhookError(Exception):
    """It was not sent by the gateway, not now, or not as it is: answer 400 and do nothing."""


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PUBLIC).removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError(
            "a secret is `whsec_` and base64, a public key `whpk_` and base64"
        ) from error


def _fits(secret: str, signed: bytes, version: str, signature: bytes) -> bool:
    if secret.startswith(PUBLIC):
        return version == "v1a" and is_signed(_key(secret), signed, signature)
    made = hmac.digest(_key(secret), signed, hashlib.sha256)
    return hmac.compare_digest(made, signature) and version == "v1"


def verify(
    secrets: str | Iterable[str], headers: Mapping[str, str], body: bytes, now: float | None = None
) -> Any:
    """The webhook's content. `body` is what arrived, byte by byte; several secrets: while one is
    exchanged.

    A secret (`whsec_`) is held against `v1`, a public key (`whpk_`), which need not be kept secret,
    against `v1a`.

    `webhook-id` is the same when it is sent again: take each id once.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, sent_at, signatures = (
        given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (id and signatures and sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 16):
        raise WebhookError(
            "webhook-id, webhook-timestamp or webhook-signature is missing or unreadable"
        )
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE:
        raise WebhookError("webhook-timestamp is more than five minutes from now")
    signed = f"{id}.{sent_at}.".encode() + body
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    shown = []
    for version, _, signature in (signature.partition(",") for signature in signatures.split(" ")):
        try:
            shown.append((version, base64.b64decode(signature, validate=True)))
        except ValueError:  # not the gateway's
            continue
    # Every pair is compared, so that time tells nothing.
    if not any([_fits(secret, signed, *one) for secret in known for one in shown]):
        raise WebhookError("no signature is made with this secret or key")
    return json.loads(body)
