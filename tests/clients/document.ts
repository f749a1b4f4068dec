/** The document, for tests that compare with it: as JSON, which a step before them makes of it. */

import { readFileSync } from "node:fs";

/** Anything in it. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [name: string]: Json;
}

/** From where it is compiled to, beside which it is put. */
const FILE = new URL("../chat-api.json", import.meta.url);

export const DOCUMENT: JsonObject = JSON.parse(readFileSync(FILE, "utf8"));

/** Whether it has members with names. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands in it under these names, one in the other. */
export function at(...names: string[]): Json | undefined {
  let value: Json | undefined = DOCUMENT;
  for (const name of names) {
    value = isObject(value) ? value[name] : undefined;
  }
  return value;
}
