// The few functions of Node that the kit uses, so that it builds with the compiler alone.

declare module "node:crypto" {
  interface Hmac {
    update(data: string | Uint8Array): Hmac;
    digest(): Uint8Array;
  }
  interface KeyObject {
    readonly type: "public";
  }
  export function createHmac(algorithm: "sha256", key: Uint8Array): Hmac;
  export function createPublicKey(key: { key: Uint8Array; format: "der"; type: "spki" }): KeyObject;
  export function verify(
    algorithm: null,
    data: Uint8Array,
    key: KeyObject,
    signature: Uint8Array,
  ): boolean;
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}

declare module "node:fs" {
  export function closeSync(file: number): void;
  export function existsSync(path: string): boolean;
  export function fsyncSync(file: number): void;
  export function openSync(path: string, flags: "a" | "w" | "r"): number;
  export function readFileSync(path: string, encoding: "utf8"): string;
  export function renameSync(from: string, to: string): void;
  export function writeSync(file: number, data: Uint8Array, offset: number): number;
}

declare module "node:path" {
  export function dirname(path: string): string;
}
