/**
 * What guards are made of. A guard looks as deep as its type goes, and no deeper: that an id is a
 * UUID and a time a time is not looked at. Members that are not known may be there, as a later
 * version of the API may add some.
 */

/** Whether a value of which nothing is known is of a type. */
export type Guard<T> = (value: unknown) => value is T;

/** A guard for every member: the compiler asks for those that are missing here. */
type Members<T> = { readonly [Name in keyof T]-?: Guard<T[Name]> };

export function isString(value: unknown): value is string {
  return typeof value === "string";
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

/** The API has no other numbers. */
export function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Any value, but that there is one: a member that may be anything must still be there. */
export function isPresent(value: unknown): value is unknown {
  return value !== undefined;
}

/** What JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value, or `null` in its place. */
export function nullable<T>(guard: Guard<T>): Guard<T | null> {
  return (value): value is T | null => value === null || guard(value);
}

/** A member that may be missing. */
export function optional<T>(guard: Guard<T>): Guard<T | undefined> {
  return (value): value is T | undefined => value === undefined || guard(value);
}

/** A list of nothing else. */
export function listOf<T>(guard: Guard<T>): Guard<T[]> {
  return (value): value is T[] => Array.isArray(value) && value.every((item) => guard(item));
}

/** An object with these members. */
export function objectOf<T>(members: Members<T>): Guard<T> {
  const guards: [string, Guard<unknown>][] = Object.entries(members);
  return (value): value is T =>
    isObject(value) && guards.every(([name, guard]) => guard(value[name]));
}

/** One of some words, of which the compiler asks for every one. */
export function wordOf<Word extends string>(words: Readonly<Record<Word, true>>): Guard<Word> {
  // Own ones only: `constructor` is a member of every object.
  return (value): value is Word => typeof value === "string" && Object.hasOwn(words, value);
}
