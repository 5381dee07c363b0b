// What the account is told: one log, read with a cursor that is saved after what it told.

import { BUSY, Problem, Unreachable, type Client } from "./client.js";
import type { AgreementState, Delivery } from "./types.js";

const CURSOR = "cursor";

/** All that the gateway holds of the account, and the cursor from before it was read. */
export interface State {
  cursor: string;
  agreements: AgreementState[];
  shares: Record<string, any>[];
  tickets: Record<string, any>[];
}

export async function freshState(client: Client): Promise<State> {
  const { cursor } = await client.get("/v1/account");
  const pages = async (what: string): Promise<any[]> => {
    const found = [];
    for (let after: string | null = null, more = true; more; more = after !== null) {
      const page: any = await client.get(`/v1/${what}`, { after, limit: 200 });
      found.push(...page[what]);
      after = page.next ?? null;
    }
    return found;
  };
  const [agreements, shares] = [await pages("agreements"), await pages("shares")];
  const tickets = [];
  for (const { shares } of await pages("tickets")) {
    if (shares.length > 0) tickets.push(await client.get(`/v1/shares/${shares[0]}/ticket`));
  }
  return { cursor, agreements, shares, tickets };
}

/**
 * Reads on from where the last run got to. `handler` is called with each delivery, at least once,
 * after the model took it and before the cursor is saved; when it throws, the delivery comes again.
 * `resynced` is called with the fresh state when the log no longer holds what stood at the cursor.
 */
export class Deliveries {
  constructor(
    readonly client: Client,
    readonly handler: (delivery: Delivery) => void | Promise<void>,
    readonly resynced: (state: State) => void | Promise<void> = () => {},
  ) {}

  /**
   * Reads one page; waits for it at most so many seconds. Returns how many deliveries were in it.
   */
  async once(wait = 25, limit = 100): Promise<number> {
    const { client } = this;
    let page: { deliveries: Delivery[]; next: string };
    try {
      page = await client.get("/v1/deliveries", {
        after: client.store.get(CURSOR) as string,
        wait,
        limit,
      });
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 410) throw problem;
      await this.#resync();
      return 0;
    }
    for (const delivery of page.deliveries) {
      client.take(delivery.type, delivery.payload);
      await this.handler(delivery);
      client.store.save({ [CURSOR]: delivery.cursor });
    }
    if (client.store.get(CURSOR) !== page.next) client.store.save({ [CURSOR]: page.next });
    return page.deliveries.length;
  }

  /**
   * Sends what did not arrive and reads, until it is told to stop. Throws what the handler throws,
   * and a `Problem` that waiting cannot mend.
   */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        if (this.client.unsent) await this.client.resend();
        await this.once();
      } catch (problem) {
        if (problem instanceof Unreachable) continue;
        if (!(problem instanceof Problem) || !BUSY.includes(problem.status)) throw problem;
      }
    }
  }

  async #resync(): Promise<void> {
    const { client } = this;
    const state = await freshState(client);
    for (const ticket of state.tickets) client.model.held(ticket);
    client.store.save(client.model.changes());
    await this.resynced(state);
    client.store.save({ [CURSOR]: state.cursor });
    await client.resend(); // receipts that the log lost
  }
}
