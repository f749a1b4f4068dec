/** Values that the document's schemas describe, and what becomes of them with one change. */

import { at, isObject, type Json, type JsonObject } from "../document.js";

/** A schema by the name that it has in the document. */
export function schemaOf(name: string): JsonObject {
  const schema = at("components", "schemas", name);
  if (!isObject(schema)) {
    throw new Error(`The document has no schema ${name}`);
  }
  return schema;
}

/** A value of a schema: its example where it has one, and otherwise made with every member. */
export function sampleOf(schema: Json | undefined): Json {
  if (!isObject(schema)) {
    return null;
  }
  const { $ref, example, enum: words, oneOf, properties, items, type } = schema;
  if (typeof $ref === "string") {
    return sampleOf(schemaOf($ref.replace("#/components/schemas/", "")));
  }
  if (example !== undefined) {
    return example;
  }
  if (Array.isArray(words) && words[0] !== undefined) {
    return words[0];
  }
  if (Array.isArray(oneOf)) {
    return sampleOf(oneOf[0]);
  }
  if (isObject(properties)) {
    const members = Object.entries(properties);
    return Object.fromEntries(members.map(([name, member]) => [name, sampleOf(member)]));
  }
  switch (Array.isArray(type) ? type[0] : type) {
    case "array":
      return [sampleOf(items)];
    case "boolean":
      return true;
    case "integer":
      return 1;
    case "object":
      return {};
    case "string":
      return "text";
    default:
      throw new Error(`What is a sample of ${JSON.stringify(schema)}?`);
  }
}

/** The words of every list of words: each is right somewhere, and wrong elsewhere. */
function wordsOf(part: Json | undefined): string[] {
  if (Array.isArray(part)) {
    return part.flatMap(wordsOf);
  }
  if (!isObject(part)) {
    return [];
  }
  const { enum: words } = part;
  const own = Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
  return [...own, ...Object.values(part).flatMap(wordsOf)];
}

/** What is put in the place of another value: something of each kind, and all words. */
const OTHERS: Json[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e300, "", "text", [], {}, [null], [[]], [{}], { a: 1 }],
  // Members of every object, which must not be taken for words.
  ...["constructor", "toString", "__proto__", "hasOwnProperty"],
  ...new Set(wordsOf(at("components", "schemas"))),
];

/** The value with each change that can be made to one place in it, and where that is. */
export function* mutationsOf(value: Json, place = ""): Generator<[string, Json]> {
  for (const other of OTHERS) {
    yield [`${place} is ${JSON.stringify(other)}`, other];
  }
  if (Array.isArray(value)) {
    yield [`${place} has one more`, [...value, null]];
    yield [`${place} has one twice`, [...value, ...value.slice(-1)]];
    for (const [index, item] of value.entries()) {
      for (const [change, changed] of mutationsOf(item, `${place}/${index}`)) {
        yield [change, Object.assign([...value], { [index]: changed })];
      }
    }
  } else if (isObject(value)) {
    yield [`${place} has an unknown member`, { ...value, unknown: 1 }];
    for (const [name, member] of Object.entries(value)) {
      const { [name]: _, ...rest } = value;
      yield [`${place}/${name} is missing`, rest];
      for (const [change, changed] of mutationsOf(member, `${place}/${name}`)) {
        yield [change, { ...value, [name]: changed }];
      }
    }
  }
}
