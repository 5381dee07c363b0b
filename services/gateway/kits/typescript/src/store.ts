// What a desk keeps between runs: records of JSON by name, in one journal.

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Where a client keeps its records; another one (a database) does as well if `save` is all or
 * nothing.
 */
export interface Records {
  get(name: string): unknown;
  /**
   * The records whose names begin with one of these, in the order in which they were first saved.
   */
  all(...prefixes: string[]): Record<string, unknown>;
  /** Saves all of these or none, on disk before it returns; null deletes. */
  save(changes: Record<string, unknown>): void;
}

function write(file: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
  fsyncSync(file);
}

/** A journal: each save is one line, and opening it writes it anew. One process at a time. */
export class Store implements Records {
  readonly #kept = new Map<string, string>();
  readonly #file: number;

  constructor(path: string) {
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [""];
    lines.pop(); // A line without an end was not saved: the process died over it.
    for (const line of lines) this.#take(JSON.parse(line));
    const all = [...this.#kept].map(
      ([name, record]) => `${JSON.stringify({ [name]: JSON.parse(record) })}\n`,
    );
    const anew = openSync(`${path}.new`, "w");
    write(anew, all.join(""));
    closeSync(anew);
    renameSync(`${path}.new`, path);
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
    this.#file = openSync(path, "a");
  }

  get(name: string): unknown {
    const record = this.#kept.get(name);
    return record === undefined ? undefined : JSON.parse(record);
  }

  all(...prefixes: string[]): Record<string, unknown> {
    const named = [...this.#kept].filter(([name]) =>
      prefixes.some((prefix) => name.startsWith(prefix)),
    );
    return Object.fromEntries(named.map(([name, record]) => [name, JSON.parse(record)]));
  }

  save(changes: Record<string, unknown>): void {
    if (Object.keys(changes).length === 0) return;
    const line = JSON.stringify(changes);
    write(this.#file, `${line}\n`);
    this.#take(JSON.parse(line));
  }

  close(): void {
    closeSync(this.#file);
  }

  #take(changes: Record<string, unknown>): void {
    for (const [name, record] of Object.entries(changes)) {
      if (record === null) this.#kept.delete(name);
      else this.#kept.set(name, JSON.stringify(record));
    }
  }
}
