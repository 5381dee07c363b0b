// A help desk's half of Deskmesh ticket sharing, over the gateway's HTTP API.

export { Client, Problem, Unreachable, type Answer, type Options } from "./client.js";
export { Deliveries, freshState, type State } from "./deliveries.js";
export { Model, seen, type HeldComment, type Ticket } from "./model.js";
export { Store, type Records } from "./store.js";
export { verify, WebhookError } from "./webhook.js";
export type * from "./types.js";
