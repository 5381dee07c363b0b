// Whether a webhook came from the gateway (Standard Webhooks, signatures `v1` and `v1a`).

import { createHmac, createPublicKey, timingSafeEqual, verify as isSigned } from "node:crypto";

/** Seconds that the clocks of both sides may differ. */
const TOLERANCE = 300;

/** It was not sent by the gateway, not now, or not as it is: answer 400 and do nothing. */
export class WebhookError extends Error {}

const PUBLIC = "whpk_";
/** What stands before the 32 bytes of a key in its DER (RFC 8410). */
const SPKI = "MCowBQYDK2VwAyEA";
const encoder = new TextEncoder();

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function fits(secret: string, signed: Uint8Array, version: string, signature: Uint8Array): boolean {
  if (secret.startsWith(PUBLIC)) {
    if (version !== "v1a" || signature.length !== 64) return false;
    const der = bytesOf(SPKI + secret.slice(PUBLIC.length));
    return isSigned(
      null,
      signed,
      createPublicKey({ key: der, format: "der", type: "spki" }),
      signature,
    );
  }
  const made = createHmac("sha256", bytesOf(secret.replace(/^whsec_/, "")))
    .update(signed)
    .digest();
  return version === "v1" && made.length === signature.length && timingSafeEqual(made, signature);
}

/** A version and the bytes of its signature; nothing where they are not the gateway's. */
function shownAs(signature: string): [string, Uint8Array][] {
  const [version, base64] = signature.split(",", 2);
  try {
    return [[version ?? "", bytesOf(base64 ?? "")]];
  } catch {
    return [];
  }
}

/**
 * The webhook's content. `body` is what arrived, byte by byte; several secrets: while one is
 * exchanged. A secret (`whsec_`) is held against `v1`, a public key (`whpk_`), which need not be
 * kept secret, against `v1a`. `webhook-id` is the same when it is sent again: take each id once.
 */
export function verify(
  secrets: string | string[],
  headers: Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  now = Date.now() / 1000,
): unknown {
  const given = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value ?? "")]),
  );
  const header = (name: string) => given.get(`webhook-${name}`) ?? "";
  const [id, sentAt, signatures] = [header("id"), header("timestamp"), header("signature")];
  if (!id || !signatures || !/^[0-9]{1,15}$/.test(sentAt)) {
    throw new WebhookError(
      "webhook-id, webhook-timestamp or webhook-signature is missing or unreadable",
    );
  }
  if (!(Math.abs(now - Number(sentAt)) <= TOLERANCE)) {
    throw new WebhookError("webhook-timestamp is more than five minutes from now");
  }
  const [before, bytes] = [
    encoder.encode(`${id}.${sentAt}.`),
    typeof body === "string" ? encoder.encode(body) : body,
  ];
  const signed = new Uint8Array(before.length + bytes.length);
  signed.set(before);
  signed.set(bytes, before.length);
  const shown = signatures.split(" ").flatMap(shownAs);
  // Every pair is compared, so that time tells nothing.
  const same = [secrets]
    .flat()
    .flatMap((secret) => shown.map(([version, one]) => fits(secret, signed, version, one)));
  if (!same.includes(true)) throw new WebhookError("no signature is made with this secret or key");
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}
