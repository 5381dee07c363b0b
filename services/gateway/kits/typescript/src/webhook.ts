// Whether a webhook came from the gateway (Standard Webhooks, signatures `v1`).

import { createHmac, timingSafeEqual } from "node:crypto";

/** Seconds that the clocks of both sides may differ. */
const TOLERANCE = 300;

/** It was not sent by the gateway, not now, or not as it is: answer 400 and do nothing. */
export class WebhookError extends Error {}

const encoder = new TextEncoder();

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/**
 * The webhook's content. `body` is what arrived, byte by byte; several secrets: while one is exchanged. `webhook-id` is
 * the same when it is sent again: take each id once.
 */
export function verify(
  secrets: string | string[],
  headers: Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  now = Date.now() / 1000,
): unknown {
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value ?? "")]));
  const header = (name: string) => given.get(`webhook-${name}`) ?? "";
  const [id, sentAt, signatures] = [header("id"), header("timestamp"), header("signature")];
  if (!id || !signatures || !/^[0-9]{1,15}$/.test(sentAt)) {
    throw new WebhookError("webhook-id, webhook-timestamp or webhook-signature is missing or unreadable");
  }
  if (!(Math.abs(now - Number(sentAt)) <= TOLERANCE)) {
    throw new WebhookError("webhook-timestamp is more than five minutes from now");
  }
  const made = [secrets].flat().map((secret) =>
    createHmac("sha256", bytesOf(secret.replace(/^whsec_/, ""))).update(`${id}.${sentAt}.`).update(body).digest(),
  );
  const shown = signatures.split(" ").filter((signature) => signature.startsWith("v1,"));
  const signed = made.map((bytes) => encoder.encode(btoa(String.fromCharCode(...bytes))));
  // Every pair is compared, so that time tells nothing.
  const same = signed.flatMap((one) => shown.map((signature) => isSame(one, encoder.encode(signature.slice(3)))));
  if (!same.includes(true)) throw new WebhookError("no signature is made with this secret");
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}
