// What a desk holds of its tickets, by part 5 of the contract.
//
// A revision per field, lower ones ignored; a receipt's value and revision taken together; comments
// as a set by id; redactions that stay; updates that come before their `ticket.created` kept. No
// I/O: `changes()` says what to save, by name, and `new Model(records)` puts it together again.

import type {
  Attachment,
  Comment,
  Decision,
  Receipt,
  SharedComment,
  TicketCreated,
  TicketState,
  TicketUpdated,
} from "./types.js";

/** How the names of a model's records begin. */
export const KEPT = ["ticket:", "early:", "sent:"] as const;

export type Records = Record<string, unknown>;

export interface HeldComment {
  body: string;
  public: boolean;
  author?: unknown;
  html_body?: string;
  authored_at?: string;
  attachments?: Record<string, Attachment>;
}

/**
 * One ticket, as it is saved. Fields are `status`, `tag:<name>` and `custom_field:<key>`: value and
 * revision.
 */
export interface Ticket {
  number: string | null;
  shares: string[];
  head: Record<string, unknown>;
  fields: Record<string, [unknown, number]>;
  comments: Record<string, HeldComment>;
  redacted: string[];
  redacted_files: [string, string][];
}

interface Sent {
  ticket: string | null;
  share: string | null;
  fields: Record<string, unknown>;
}

type Json = Record<string, any>;

const HEAD = ["subject", "requester", "requested_at", "received_from", "original_ticket_id"];

/** A field's value in one spelling: cleared has three, and options have no order. */
function fieldValue(value: any): unknown {
  if (value === "" || (Array.isArray(value) && value.length === 0) || value?.clear === true)
    return { clear: true };
  return Array.isArray(value) ? [...new Set(value)].sort() : value;
}

/** Of an object, what is given: of all its members or of those named. */
function given(value: Json, names = Object.keys(value)): Json {
  return Object.fromEntries(
    names.filter((name) => value[name] != null).map((name) => [name, value[name]]),
  );
}

/** Values alone, without cleared fields and absent tags: what an agent sees. */
export function seen(ticket: Ticket): Record<string, unknown> {
  const values = Object.entries(ticket.fields).map(([field, [value]]) => [field, value] as const);
  return Object.fromEntries(
    values.filter(([, value]: readonly [string, any]) => value !== false && !value?.clear),
  );
}

/** Takes a value, unless the one held has a higher revision. */
function set(ticket: Ticket, field: string, value: unknown, revision: number): void {
  const held = ticket.fields[field];
  if (held === undefined || revision >= held[1]) ticket.fields[field] = [value, revision];
}

/** Takes a comment once; a redaction stays. */
function hear(ticket: Ticket, comment: Partial<Comment | SharedComment>, author: unknown): void {
  const id = comment.id;
  if (typeof id !== "string" || Object.hasOwn(ticket.comments, id)) return;
  const gone = new Set(ticket.redacted_files.filter(([of]) => of === id).map(([, file]) => file));
  const files = (comment.attachments ?? []).filter((file) => !gone.has(file.id));
  ticket.comments[id] = {
    body: comment.body ?? "",
    public: comment.public !== false,
    ...given({ author, html_body: comment.html_body, authored_at: comment.authored_at }),
    ...(files.length > 0 && {
      attachments: Object.fromEntries(files.map((file) => [file.id, given(file)])),
    }),
  } as HeldComment;
  if (ticket.redacted.includes(id)) redact(ticket, id);
}

/** Blanks a comment, or takes one file of it; also of a comment that is still to come. */
function redact(ticket: Ticket, id: string, file?: string | null): void {
  const comment = ticket.comments[id];
  if (file == null) {
    ticket.redacted = [...new Set([...ticket.redacted, id])].sort();
    if (comment) comment.body = "";
    delete comment?.html_body;
    delete comment?.attachments;
    return;
  }
  if (!ticket.redacted_files.some(([of, known]) => of === id && known === file)) {
    ticket.redacted_files = [...ticket.redacted_files, [id, file] as [string, string]].sort();
  }
  if (comment?.attachments) {
    delete comment.attachments[file];
    if (Object.keys(comment.attachments).length === 0) delete comment.attachments;
  }
}

/** Takes the fields of a `ticket.created` or `ticket.updated`: all have its revision. */
function takeFields(ticket: Ticket, told: TicketCreated | TicketUpdated, revision: number): void {
  if (told.status != null) {
    set(
      ticket,
      "status",
      given({ value: told.status, custom_status: told.custom_status }),
      revision,
    );
  }
  const changes = Array.isArray(told.tags) ? { add: told.tags, remove: [] } : told.tags;
  for (const tag of changes?.add ?? []) set(ticket, `tag:${tag}`, true, revision);
  for (const tag of changes?.remove ?? []) set(ticket, `tag:${tag}`, false, revision);
  for (const [key, value] of Object.entries(told.custom_fields ?? {})) {
    set(ticket, `custom_field:${key}`, fieldValue(value), revision);
  }
}

/**
 * The fields that a command sets, by the names that receipts have for them. Tags of rules stay
 * (R-61).
 */
function fieldsSet(content: Json): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const status = given({ value: content["status"], custom_status: content["custom_status"] });
  if (Object.keys(status).length > 0) fields["status"] = status;
  // A share lists its tags; an update says which were added and which removed.
  const changes = Array.isArray(content["tags"])
    ? { add: content["tags"] }
    : (content["tags"] ?? {});
  for (const tag of changes.add ?? [])
    if (tag.added_by !== "rule") fields[`tag:${tag.name}`] = true;
  for (const tag of changes.remove ?? [])
    if (tag.removed_by !== "rule") fields[`tag:${tag.name}`] = false;
  for (const [key, value] of Object.entries(given(content["custom_fields"] ?? {}))) {
    fields[`custom_field:${key}`] = fieldValue(value);
  }
  return fields;
}

/** An account's tickets, found by the desk's own number or by a share. */
export class Model {
  readonly tickets: Ticket[];
  readonly early: Map<string, TicketUpdated[]>;
  readonly sent: Map<string, Sent>;
  readonly #byNumber = new Map<string, number>();
  readonly #byShare = new Map<string, number>();
  #changed = new Set<string>();

  constructor(records: Records = {}) {
    const named = (prefix: string): [string, any][] =>
      Object.entries(structuredClone(records))
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, record]) => [name.slice(prefix.length), record]);
    this.tickets = named("ticket:")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, ticket]) => ticket);
    this.early = new Map(named("early:"));
    this.sent = new Map(named("sent:"));
    this.tickets.forEach((ticket, at) => {
      if (ticket.number !== null) this.#byNumber.set(ticket.number, at);
      for (const share of ticket.shares) this.#byShare.set(share, at);
    });
  }

  /**
   * What changed since it was last asked: records by name; null: gone. Save it before anything else
   * happens.
   */
  changes(): Records {
    const held = (name: string): unknown => {
      const [kind, id] = [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)];
      if (kind === "ticket") return this.tickets[Number(id)];
      return (kind === "early" ? this.early.get(id) : this.sent.get(id)) ?? null;
    };
    const changed = [...this.#changed].sort();
    this.#changed = new Set();
    return Object.fromEntries(changed.map((name) => [name, structuredClone(held(name))]));
  }

  /** A ticket by the desk's number. */
  ticket(number: string): Ticket | undefined {
    return this.tickets[this.#byNumber.get(number) ?? -1];
  }

  /** A ticket by a share that it is or was in. */
  shared(share: string): Ticket | undefined {
    return this.tickets[this.#byShare.get(share) ?? -1];
  }

  /** The lowest revision held among fields: for an update's `base_revision`. */
  baseRevision(number: string, fields: string[]): number | undefined {
    const held = this.ticket(number)?.fields ?? {};
    const revisions = fields
      .filter((field) => Object.hasOwn(held, field))
      .map((field) => held[field]![1]);
    return revisions.length > 0 ? Math.min(...revisions) : undefined;
  }

  /** Comments, redactions and numbers take effect at home at once; fields with the receipt. */
  aboutToSend(key: string, type: string, command: Json): void {
    const [number, share] = [command["ticket_id"], command["share_id"]];
    if (type === "ticket.bind.v1") {
      const at = this.#byShare.get(share);
      if (at !== undefined) this.#number(at, number);
    } else if (type === "ticket.redact.v1") {
      const at = this.#find(number, share);
      if (at !== undefined)
        redact(this.#touch(at), command["comment_id"] ?? "", command["attachment_id"]);
    } else if (type === "ticket.share.v1") {
      this.#aboutToSet(key, command["ticket"].id, share, command["ticket"], command["actor"], true);
    } else if (type === "ticket.update.v1") {
      this.#aboutToSet(key, number, share, command, command["actor"], false);
    }
  }

  /** A command was refused before it was stored: no receipt will come. */
  takeBack(key: string): void {
    if (this.sent.delete(key)) this.#changed.add(`sent:${key}`);
  }

  /** Takes what the desk is told; anything any number of times, in any order. */
  take(type: string, payload: unknown): void {
    if (type === "ticket.created.v1") this.#created(payload as TicketCreated);
    else if (type === "ticket.updated.v1") this.#updated(payload as TicketUpdated);
    else if (type === "ticket.state.v1") this.#restored(payload as TicketState);
    else if (type === "command.receipt.v1") this.#answered(payload as Receipt);
  }

  /**
   * Takes a ticket as the gateway shows it (`GET /v1/tickets/{number}`): after a cursor that was
   * too old.
   */
  held(shown: Json): void {
    const number: string | null = shown["ticket_id"] ?? null;
    const shares: string[] = shown["shares"].map((share: Json) => share["share_id"]);
    const known = [this.#find(number), ...shares.map((share) => this.#byShare.get(share))];
    const at = known.find((at) => at !== undefined) ?? this.#new();
    const ticket = this.#touch(at);
    if (number !== null) this.#number(at, number);
    if (Object.keys(ticket.head).length === 0) ticket.head = given(shown, HEAD);
    const fields: [string, Json][] = shown["status"] ? [["status", shown["status"]]] : [];
    for (const [name, held] of Object.entries<Json>(shown["tags"]))
      fields.push([`tag:${name}`, held]);
    for (const [key, held] of Object.entries<Json>(shown["custom_fields"]))
      fields.push([`custom_field:${key}`, held]);
    for (const [field, held] of fields) set(ticket, field, held["value"], held["revision"]);
    for (const comment of shown["comments"]) {
      hear(ticket, comment, comment.author);
      if (comment.redacted) redact(ticket, comment.id);
      const stay = new Set((comment.attachments ?? []).map((file: Attachment) => file.id));
      for (const file of Object.keys(ticket.comments[comment.id]?.attachments ?? {})) {
        if (!stay.has(file)) redact(ticket, comment.id, file);
      }
    }
    for (const share of shares) this.#isIn(share, at);
  }

  #aboutToSet(
    key: string,
    number: string,
    share: string,
    content: Json,
    actor: unknown,
    shares: boolean,
  ): void {
    const at = number != null ? this.#own(number) : this.#byShare.get(share);
    if (at === undefined) return;
    const ticket = this.#touch(at);
    if (shares && Object.keys(ticket.head).length === 0)
      ticket.head = given(content, HEAD.slice(0, 3));
    for (const comment of content["comments"] ?? []) hear(ticket, comment, comment.author ?? actor);
    this.sent.set(key, {
      ticket: number ?? null,
      share: share ?? null,
      fields: fieldsSet(content),
    });
    this.#changed.add(`sent:${key}`);
  }

  #find(number?: string | null, share?: string | null): number | undefined {
    return this.#byNumber.get(number ?? "") ?? this.#byShare.get(share ?? "");
  }

  #touch(at: number): Ticket {
    this.#changed.add(`ticket:${String(at).padStart(8, "0")}`);
    return this.tickets[at]!;
  }

  #new(): number {
    const lists = { shares: [], redacted: [], redacted_files: [] };
    return this.tickets.push({ number: null, head: {}, fields: {}, comments: {}, ...lists }) - 1;
  }

  #own(number: string): number {
    if (!this.#byNumber.has(number)) this.#number(this.#new(), number);
    return this.#byNumber.get(number)!;
  }

  #number(at: number, number: string): void {
    this.#byNumber.set(number, at);
    this.#touch(at).number ??= number;
  }

  #isIn(share: string, at: number): void {
    this.#byShare.set(share, at);
    const ticket = this.#touch(at);
    ticket.shares = [...new Set([...ticket.shares, share])].sort();
    const waiting = this.early.get(share) ?? [];
    if (this.early.delete(share)) this.#changed.add(`early:${share}`);
    for (const update of waiting) this.#updated(update);
  }

  #created(created: TicketCreated): void {
    const at = this.#byShare.get(created.share_id) ?? this.#new();
    const ticket = this.#touch(at);
    takeFields(ticket, created, created.revision);
    for (const comment of created.comments) hear(ticket, comment, comment.author);
    ticket.head = given(created, HEAD);
    this.#isIn(created.share_id, at);
  }

  #updated(updated: TicketUpdated): void {
    const at = this.#byShare.get(updated.share_id) ?? this.#byNumber.get(updated.ticket_id ?? "");
    if (at === undefined) {
      this.early.set(updated.share_id, [
        ...(this.early.get(updated.share_id) ?? []),
        structuredClone(updated),
      ]);
      this.#changed.add(`early:${updated.share_id}`);
      return;
    }
    const ticket = this.#touch(at);
    takeFields(ticket, updated, updated.revision ?? 0);
    for (const comment of updated.comments ?? []) hear(ticket, comment, comment.author);
    for (const { comment_id, attachment_id } of updated.redact ?? [])
      redact(ticket, comment_id, attachment_id);
  }

  #restored(state: TicketState): void {
    const at = this.#find(state.ticket_id, state.share_id) ?? this.#new();
    if (state.ticket_id != null) this.#number(at, state.ticket_id);
    const ticket = this.#touch(at);
    const { revision, value, custom_status } = state.status;
    set(ticket, "status", given({ value, custom_status }), revision);
    for (const tag of state.tags) set(ticket, `tag:${tag.name}`, tag.present, tag.revision);
    for (const [key, field] of Object.entries(state.custom_fields)) {
      set(ticket, `custom_field:${key}`, fieldValue(field.value), field.revision);
    }
    for (const comment of state.comments) hear(ticket, comment, comment.author);
    this.#isIn(state.share_id, at);
  }

  #answered(receipt: Receipt): void {
    const sent = this.sent.get(receipt.command_id);
    if (sent === undefined) return;
    this.takeBack(receipt.command_id);
    const at =
      sent.ticket !== null
        ? this.#own(sent.ticket)
        : this.#byShare.get(sent.share ?? receipt.share_id ?? "");
    if (at === undefined || receipt.outcome === "rejected") return;
    if (receipt.share_id != null) this.#isIn(receipt.share_id, at);
    if (receipt.revision == null) return;
    for (const [field, value] of Object.entries(sent.fields)) {
      const about = (receipt.decisions ?? []).filter((it: Decision) => it.item === field);
      const holds = about.find((it) => it.value != null);
      // Without a share a decision is about the desk's own ticket: it was not taken.
      const refused = about.some((it) => it.share_id == null && it.outcome === "withheld");
      if (!holds && refused) continue;
      set(this.#touch(at), field, holds ? fieldValue(holds.value) : value, receipt.revision);
    }
  }
}
