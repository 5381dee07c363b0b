// Requests to the gateway, and commands that survive restarts.

import { KEPT, Model } from "./model.js";
import type { Records } from "./store.js";
import type { Commands, Receipt } from "./types.js";

/** How the names of pending commands and of those with a receipt begin. */
const [SEND, DONE] = ["send:", "done:"];
/** Milliseconds for which the gateway knows a key. */
const REMEMBERED = 30 * 86_400_000;
/** Milliseconds between two tries, at most. */
const LONGEST_DELAY = 30_000;
/** What the same request may get past later. */
export const BUSY: readonly number[] = [408, 429, 500, 502, 503, 504];

interface Done {
  entity: string;
  at: number;
}

interface Pending {
  method: string;
  path: string;
  body: unknown;
}

/** A command and where it is. */
export interface Answer {
  message_id: string;
  type?: string;
  state: string;
  accepted_at?: string;
  receipt: Receipt | null;
}

/** The gateway refused a request (RFC 9457). `reason` is the code; `detail` says what to do. */
export class Problem extends Error {
  readonly reason: string;
  readonly detail: string;
  readonly pointer: string | undefined;

  constructor(
    readonly status: number,
    told: Record<string, any> | null,
  ) {
    const reason = told?.["reason"] ?? "no_reason";
    const detail = told?.["detail"] ?? `the answer was ${status}`;
    const pointer = told?.["pointer"];
    super(`${reason}: ${detail}${pointer ? ` (${pointer})` : ""}`);
    [this.reason, this.detail, this.pointer] = [reason, detail, pointer];
  }
}

/** Nobody answered in time. A command stays pending: `resend` sends it again. */
export class Unreachable extends Error {}

/** Milliseconds until the next try: growing and spread, and never sooner than the gateway said. */
export function delay(tries: number, retryAfter: string | null, chance = Math.random()): number {
  const spread = Math.min(LONGEST_DELAY, 250 * 2 ** Math.min(tries, 10)) * (0.5 + chance / 2);
  const said = Number(retryAfter ?? 0) * 1000;
  const until = Number.isNaN(said) ? Date.parse(retryAfter!) - Date.now() : said;
  return Math.max(until || 0, spread);
}

/**
 * A command with the ids and the time that were left out: made here, so that the model knows them.
 */
function whole(type: string, payload: unknown): Record<string, any> {
  const command = structuredClone(payload) as Record<string, any>;
  const shares = type === "ticket.share.v1";
  if (shares || type === "ticket.update.v1") {
    command["occurred_at"] ??= new Date().toISOString();
    const content = shares ? command["ticket"] : command;
    for (const comment of content.comments ?? []) comment.id ??= crypto.randomUUID();
  }
  if (shares) command["share_id"] ??= crypto.randomUUID();
  if (type === "agreement.invite.v1") command["agreement_id"] ??= crypto.randomUUID();
  return command;
}

export interface Options {
  /** Milliseconds that one request may be tried; 60,000 if it is not said. */
  patience?: number;
  fetch?: typeof fetch;
  pause?: (milliseconds: number) => Promise<void>;
}

/**
 * One account at the gateway. What it sends is in the store before it is sent, and there until its
 * receipt is.
 */
export class Client {
  readonly model: Model;
  /** Whether a command may not have reached the gateway. */
  unsent: boolean;
  readonly #url: string;
  readonly #token: string;
  readonly #options: Required<Options>;

  constructor(
    url: string,
    token: string,
    readonly store: Records,
    options: Options = {},
  ) {
    const pause = (milliseconds: number) =>
      new Promise<void>((done) => setTimeout(done, milliseconds));
    this.#options = { patience: 60_000, fetch: globalThis.fetch, pause, ...options };
    [this.#url, this.#token] = [url.replace(/\/+$/, ""), token];
    this.model = new Model(store.all(...KEPT));
    this.unsent = this.pending().length > 0;
    const old = Object.entries(store.all(DONE)).filter(
      ([, done]) => (done as Done).at < Date.now() - REMEMBERED,
    );
    store.save(Object.fromEntries(old.map(([name]) => [name, null])));
  }

  /** What the gateway answers at a path, e.g. `get("/v1/shares", { limit: 10 })`. */
  async get(
    path: string,
    query: Record<string, string | number | null | undefined> = {},
  ): Promise<any> {
    const given = Object.entries(query).filter(([, value]) => value != null);
    const text = new URLSearchParams(
      given.map(([name, value]) => [name, String(value)]),
    ).toString();
    return await this.#ask(
      "GET",
      path + (text && `?${text}`),
      undefined,
      {},
      Number(query["wait"] ?? 0),
    );
  }

  /**
   * Sends a command once, however often it is tried, and says where it is: with its `receipt`, if
   * that came within `wait` seconds. Throws `Problem` when the gateway refuses it, `Unreachable`
   * when it is kept only here. A key that was used in the last 30 days stands for what was first
   * sent with it.
   */
  async send<K extends keyof Commands>(
    type: K,
    payload: Commands[K],
    key: string = crypto.randomUUID(),
    wait = 10,
  ): Promise<Answer> {
    if (this.store.get(SEND + key) === undefined && this.store.get(DONE + key) === undefined) {
      const command = whole(type, payload);
      this.model.aboutToSend(key, type, command);
      const pending: Pending = {
        method: "POST",
        path: "/v1/commands",
        body: { type, payload: command },
      };
      this.store.save({ [SEND + key]: pending, ...this.model.changes() });
    }
    return await this.#send(key, wait);
  }

  /** The keys of commands without a receipt, the oldest first. */
  pending(): string[] {
    return Object.keys(this.store.all(SEND)).map((name) => name.slice(SEND.length));
  }

  /**
   * Sends all commands without a receipt again. A repeat has no second effect; one that is refused
   * is dropped.
   */
  async resend(wait = 0): Promise<void> {
    this.unsent = false;
    for (const key of this.pending()) {
      try {
        await this.#send(key, wait);
      } catch (problem) {
        if (!(problem instanceof Problem) || this.unsent) throw problem;
      }
    }
  }

  /** Lets the model take what was told, and saves what that changed. */
  take(type: string, payload: unknown): void {
    this.model.take(type, payload);
    const changes = this.model.changes();
    if (type === "command.receipt.v1") {
      const { command_id, command_type } = payload as Receipt;
      changes[SEND + command_id] = null;
      changes[DONE + command_id] = {
        entity: command_type.split(".")[0]!,
        at: Date.now(),
      } satisfies Done;
    }
    this.store.save(changes);
  }

  async #send(key: string, wait: number): Promise<Answer> {
    const done = this.store.get(DONE + key) as Done | undefined;
    if (done) return await this.get(`/v1/receipts/${done.entity}/${encodeURIComponent(key)}`);
    const pending = this.store.get(SEND + key) as Pending | undefined;
    // It was told meanwhile.
    if (pending === undefined) return { message_id: key, state: "refused", receipt: null };
    const headers = { "Idempotency-Key": key, ...(wait > 0 && { Prefer: `wait=${wait}` }) };
    try {
      const answer = (await this.#ask(
        pending.method,
        pending.path,
        pending.body,
        headers,
        wait,
      )) as Answer;
      if (answer.receipt) this.take("command.receipt.v1", answer.receipt);
      return answer;
    } catch (problem) {
      if (
        !(problem instanceof Problem) ||
        problem.status === 401 ||
        BUSY.includes(problem.status)
      ) {
        this.unsent = true;
      } else {
        this.model.takeBack(key);
        this.store.save({ [SEND + key]: null, ...this.model.changes() });
      }
      throw problem;
    }
  }

  async #ask(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    wait: number,
  ): Promise<unknown> {
    const until = Date.now() + this.#options.patience;
    const request = {
      method,
      redirect: "manual" as const, // a token goes to one host alone
      headers: {
        Authorization: `Bearer ${this.#token}`,
        Accept: "application/json",
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    for (let tries = 0; ; tries++) {
      let refused: Problem | undefined;
      let retryAfter: string | null = null;
      let cause: unknown;
      try {
        const signal = AbortSignal.timeout(30_000 + wait * 1000);
        const answer = await this.#options.fetch(this.#url + path, { ...request, signal });
        const text = await answer.text();
        if (answer.ok) return JSON.parse(text);
        refused = new Problem(answer.status, read(text));
        retryAfter = answer.headers.get("retry-after");
      } catch (error) {
        cause = error; // refused, reset, timed out; an answer that breaks off
      }
      if (refused && !BUSY.includes(refused.status)) throw refused;
      const pause = delay(tries, retryAfter);
      if (Date.now() + pause > until)
        throw refused ?? new Unreachable(`${method} ${path}: nobody answers`, { cause });
      await this.#options.pause(pause);
    }
  }
}

function read(text: string): Record<string, any> | null {
  try {
    const told = JSON.parse(text);
    return typeof told === "object" ? told : null;
  } catch {
    return null;
  }
}
