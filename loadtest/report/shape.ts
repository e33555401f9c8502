import { Fault } from '../cli/fault.ts';

/** What JSON Schema (draft 2020-12) says of a value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One description of a value, for the program and for others. */
export interface Shape<T> {
  /** Reads an unknown value as a `T`. @throws {Fault} that names the place in the value and what it lacks */
  (value: unknown, place: string): T;
  readonly schema: JsonSchema;
}

export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

/** @param schema says of the value what `read` demands of it, as far as JSON Schema can */
export function shapeOf<T>(schema: JsonSchema, read: (value: unknown, place: string) => T): Shape<T> {
  // Each shape gets a function of its own, whatever else `read` is used for.
  return Object.assign((value: unknown, place: string) => read(value, place), { schema });
}

export const string = shapeOf({ type: 'string' }, (value, place) =>
  typeof value === 'string' ? value : fail(place, 'a string', value),
);

export const boolean = shapeOf({ type: 'boolean' }, (value, place) =>
  typeof value === 'boolean' ? value : fail(place, 'true or false', value),
);

/** A finite number of at least `min`. */
export function finite(min = Number.NEGATIVE_INFINITY): Shape<number> {
  const isBound = min !== Number.NEGATIVE_INFINITY;
  return shapeOf({ type: 'number', ...(isBound ? { minimum: min } : {}) }, (value, place) =>
    typeof value === 'number' && Number.isFinite(value) && value >= min
      ? value
      : fail(place, isBound ? `a number of at least ${min}` : 'a number', value),
  );
}

/** A whole number of at least 0. */
export const count = shapeOf({ type: 'integer', minimum: 0 }, (value, place) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : fail(place, 'a whole number', value),
);

export function literal<const T extends string>(...words: readonly T[]): Shape<T> {
  return shapeOf(
    { enum: words },
    (value, place) => words.find((word) => word === value) ?? fail(place, words.join(' or '), value),
  );
}

/** One of the registry's keys. */
export function keyOf<K extends string>(registry: Readonly<Record<K, unknown>>): Shape<K> {
  // The type of Object.keys does not know that a registry has no more keys than its type.
  return literal(...(Object.keys(registry) as K[]));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return shapeOf({ anyOf: [shape.schema, { type: 'null' }] }, (value, place) =>
    value === null ? null : shape(value, place),
  );
}

/** Where an older report lacks it, this stands for it. */
export function addedLater<T>(shape: Shape<T>, before: NoInfer<T>): Shape<T> {
  return shapeOf(shape.schema, (value, place) => (value === undefined ? before : shape(value, place)));
}

export function array<T>(shape: Shape<T>): Shape<readonly T[]> {
  return shapeOf({ type: 'array', items: shape.schema }, (value, place) =>
    Array.isArray(value)
      ? value.map((item, index) => shape(item, `${place}[${index}]`))
      : fail(place, 'an array', value),
  );
}

/** An object whose keys are data, each as `name` says. */
export function dictionary<K extends string, T>(
  name: Shape<K>,
  shape: Shape<T>,
): Shape<Readonly<Partial<Record<K, T>>>> {
  const schema = { type: 'object', propertyNames: name.schema, additionalProperties: shape.schema };
  return shapeOf(schema, (value, place) => {
    const given = Object.entries(toObject(value, place));
    const items = given.map(([key, item]) => [name(key, place), shape(item, `${place}.${key}`)] as const);
    // Every key is a `K` now.
    return Object.fromEntries(items) as Readonly<Partial<Record<K, T>>>;
  });
}

/** An object with these keys; others, which a later version may write, are left out. */
export function object<S extends Readonly<Record<string, Shape<unknown>>>>(
  shapes: S,
): Shape<{ readonly [K in keyof S]: ShapeOf<S[K]> }> {
  const schema = {
    type: 'object',
    required: Object.keys(shapes),
    properties: toProperties(shapes),
  };
  return shapeOf(schema, (value, place) => {
    const given = toObject(value, place);
    return Object.fromEntries(
      Object.entries(shapes).map(([key, shape]) => [key, shape(given[key], `${place}.${key}`)]),
    ) as { readonly [K in keyof S]: ShapeOf<S[K]> };
  });
}

/** What is written besides, for other tools: it can be derived, and is not read. */
export function withDerived<T>(shape: Shape<T>, derived: Readonly<Record<string, Shape<unknown>>>): Shape<T> {
  const { properties, required, ...rest } = shape.schema;
  const added = object(derived).schema;
  const schema = {
    ...rest,
    required: [...(required as string[]), ...Object.keys(derived)],
    properties: { ...(properties as JsonSchema), ...(added.properties as JsonSchema) },
  };
  return shapeOf(schema, shape);
}

/** Besides what the shape says, keys that may be missing. For what is written and not read. */
export function withOptional<T>(
  shape: Shape<T>,
  optional: Readonly<Record<string, Shape<unknown>>>,
): Shape<T> {
  const properties = { ...(shape.schema.properties as JsonSchema), ...toProperties(optional) };
  return shapeOf({ ...shape.schema, properties }, shape);
}

/** A whole report as JSON Schema, draft 2020-12: an object of this shape that names its schema. */
export function toDocument(id: string, description: string, { schema }: Shape<unknown>): JsonSchema {
  const { properties, required, ...rest } = schema;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: id,
    description,
    ...rest,
    required: ['schema', ...(required as string[])],
    properties: { schema: { const: id }, ...(properties as JsonSchema) },
  };
}

/** One of several objects, told apart by their `kind`. */
export function union<S extends Readonly<Record<string, Shape<{ readonly kind: string }>>>>(
  shapes: S,
): Shape<ShapeOf<S[keyof S]>> {
  const schema = { oneOf: Object.values(shapes).map((shape) => shape.schema) };
  return shapeOf(schema, (value, place) => {
    const kind = literal(...Object.keys(shapes))(toObject(value, place).kind, `${place}.kind`);
    return shapes[kind]?.(value, place) as ShapeOf<S[keyof S]>;
  });
}

function toProperties(shapes: Readonly<Record<string, Shape<unknown>>>): JsonSchema {
  return Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, shape.schema]));
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
