/** That our own client's limits are those of the document, and that it has no others. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DEFAULT_CONVERSATION_PAGE_SIZE,
  DEFAULT_MESSAGE_PAGE_SIZE,
  MAX_IDEMPOTENCY_KEY_CHARS,
  MAX_MESSAGE_CHARS,
  MAX_PAGE_SIZE,
  MAX_SEARCH_CHARS,
  MAX_TITLE_CHARS,
} from "@chatkit-rs/client";

import { at, DOCUMENT, isObject, type Json, type JsonObject } from "./document.js";

/** The keywords of a schema that bound a value, or say what it is unless told. */
const KEYWORDS = [
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["minLength", "maxLength", "minItems", "maxItems", "default"],
];

/** What is said in words where a keyword cannot: white space around a text is not counted. */
const IN_WORDS = /\b([\d,]+) to ([\d,]+) (?:visible ASCII )?characters/;

/** How a pattern says how long a text may be. */
const IN_PATTERN = /\{(\d+),(\d+)\}/g;

/** What is said of one value, under the place in the document at which it is. */
type Limits = Record<string, Record<string, Json>>;

/** Every limit below a part of the document. */
function limitsOf(part: Json, place: string): Limits {
  if (Array.isArray(part)) {
    const items = part.map((item, index) => limitsOf(item, `${place}/${nameOf(item, index)}`));
    return Object.assign({}, ...items);
  }
  if (!isObject(part)) {
    return {};
  }
  const own = ownLimits(part);
  const members = Object.entries(part).filter(([name]) => name !== "example");
  const below = members.map(([name, value]) => limitsOf(value, `${place}/${name}`));
  return Object.assign(Object.keys(own).length === 0 ? {} : { [place]: own }, ...below);
}

/** What an item of a list is called: a parameter has a name, others are counted. */
function nameOf(item: Json, index: number): string {
  return isObject(item) && typeof item["name"] === "string" ? item["name"] : String(index);
}

/** What one part says by itself. */
function ownLimits(part: JsonObject): Record<string, Json> {
  const limits: Record<string, Json> = {};
  for (const keyword of KEYWORDS) {
    const value = part[keyword];
    if (value !== undefined && !isObject(value)) {
      limits[keyword] = value;
    }
  }
  const { pattern, description } = part;
  const lengths = typeof pattern === "string" ? [...pattern.matchAll(IN_PATTERN)] : [];
  if (lengths.length > 0) {
    limits["pattern"] = lengths.map(([, least, most]) => [Number(least), Number(most)]);
  }
  const [, least, most] = (typeof description === "string" && IN_WORDS.exec(description)) || [];
  if (least !== undefined && most !== undefined) {
    limits["words"] = [number(least), number(most)];
  }
  return limits;
}

function number(digits: string): number {
  return Number(digits.replaceAll(",", ""));
}

const CONVERSATIONS = "/paths//api/chat/conversations/get/parameters";
const CONVERSATION = "/paths//api/chat/conversations/{conversation_id}";
const KEY = "post/parameters/Idempotency-Key";
const EVENTS = `${CONVERSATION}/runs/{run_id}/events/get/parameters`;

const MESSAGE = { minLength: 1, words: [1, MAX_MESSAGE_CHARS] };
const TITLE = { minLength: 1, maxLength: MAX_TITLE_CHARS };
const KEY_LENGTH = [1, MAX_IDEMPOTENCY_KEY_CHARS];

/** All that the document may say, in our own constants. */
const KNOWN: Limits = {
  [`${CONVERSATIONS}/limit/schema`]: {
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    default: DEFAULT_CONVERSATION_PAGE_SIZE,
  },
  [`${CONVERSATIONS}/q/schema`]: { minLength: 1, maxLength: MAX_SEARCH_CHARS },
  [`${CONVERSATION}/messages/get/parameters/limit/schema`]: {
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    default: DEFAULT_MESSAGE_PAGE_SIZE,
  },
  [`${CONVERSATION}/messages/${KEY}`]: { words: KEY_LENGTH },
  // Quoted or bare.
  [`${CONVERSATION}/messages/${KEY}/schema`]: { pattern: [KEY_LENGTH, KEY_LENGTH] },
  [`${CONVERSATION}/runs/${KEY}`]: { words: KEY_LENGTH },
  [`${CONVERSATION}/runs/${KEY}/schema`]: { pattern: [KEY_LENGTH, KEY_LENGTH] },
  // The numbers of events come from the server, and need no constant.
  [`${EVENTS}/after/schema`]: { minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  [`${EVENTS}/Last-Event-ID/schema`]: { pattern: [[1, 19]] },
  "/components/schemas/ChatRequest/properties/message": MESSAGE,
  "/components/schemas/Conversation/properties/title": { words: [1, MAX_TITLE_CHARS] },
  "/components/schemas/CreateConversation/properties/title": TITLE,
  "/components/schemas/NewRun/properties/content": MESSAGE,
  "/components/schemas/SendMessage/properties/content": MESSAGE,
  "/components/schemas/UpdateConversation/properties/title": TITLE,
};

test("every limit of the document is known, and is as the document says", () => {
  assert.deepEqual(limitsOf(DOCUMENT, ""), KNOWN);
});

test("the limits are those that the document's server tells", () => {
  const limits = at("components", "schemas", "Info", "example", "limits");
  assert.ok(isObject(limits));
  assert.equal(limits["message_chars"], MAX_MESSAGE_CHARS);
  assert.equal(limits["title_chars"], MAX_TITLE_CHARS);
  assert.equal(limits["page_size"], MAX_PAGE_SIZE);
});
