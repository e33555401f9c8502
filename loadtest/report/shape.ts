import { Fault } from '../cli/fault.ts';
/** Reads an unknown value as a `T`. @throws {Fault} that names the place in the value and what it lacks */
export type Shape<T> = (value: unknown, place: string) => T;

export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

export const string: Shape<string> = (value, place) =>
  typeof value === 'string' ? value : fail(place, 'a string', value);

export const boolean: Shape<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : fail(place, 'true or false', value);

/** A finite number of at least `min`. */
export function finite(min = Number.NEGATIVE_INFINITY): Shape<number> {
  return (value, place) =>
    typeof value === 'number' && Number.isFinite(value) && value >= min
      ? value
      : fail(place, min === Number.NEGATIVE_INFINITY ? 'a number' : `a number of at least ${min}`, value);
}

/** A whole number of at least 0. */
export const count: Shape<number> = (value, place) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : fail(place, 'a whole number', value);

export function literal<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value, place) => words.find((word) => word === value) ?? fail(place, words.join(' or '), value);
}

/** One of the registry's keys. */
export function keyOf<K extends string>(registry: Readonly<Record<K, unknown>>): Shape<K> {
  // The type of Object.keys does not know that a registry has no more keys than its type.
  return literal(...(Object.keys(registry) as K[]));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, place) => (value === null ? null : shape(value, place));
}

export function array<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, place) =>
    Array.isArray(value)
      ? value.map((item, index) => shape(item, `${place}[${index}]`))
      : fail(place, 'an array', value);
}

/** An object whose keys are data. */
export function dictionary<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, place) =>
    Object.fromEntries(
      Object.entries(toObject(value, place)).map(([key, item]) => [key, shape(item, `${place}.${key}`)]),
    );
}

/** An object with these keys; others, which a later version may write, are left out. */
export function object<S extends Readonly<Record<string, Shape<unknown>>>>(
  shapes: S,
): Shape<{ readonly [K in keyof S]: ShapeOf<S[K]> }> {
  return (value, place) => {
    const given = toObject(value, place);
    return Object.fromEntries(
      Object.entries(shapes).map(([key, shape]) => [key, shape(given[key], `${place}.${key}`)]),
    ) as { readonly [K in keyof S]: ShapeOf<S[K]> };
  };
}

/** One of several objects, told apart by their `kind`. */
export function union<S extends Readonly<Record<string, Shape<{ readonly kind: string }>>>>(
  shapes: S,
): Shape<ShapeOf<S[keyof S]>> {
  return (value, place) => {
    const kind = literal(...Object.keys(shapes))(toObject(value, place).kind, `${place}.kind`);
    return shapes[kind]?.(value, place) as ShapeOf<S[keyof S]>;
  };
}

function toObject(value: unknown, place: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(place, 'an object', value);
}

function fail(place: string, expected: string, value: unknown): never {
  const shown = value === undefined ? 'missing' : (JSON.stringify(value)?.slice(0, 40) ?? String(value));
  throw new Fault(`${place} must be ${expected}, but is ${shown}`);
}
