type Path = readonly (string | number)[];

/**
 * A place in an object that nobody has checked, whether it was parsed from a manifest or answered by the API: the value
 * there, whatever it is, and the path to it, so that a finding can say where. Reading what is absent or of another type gives undefined or nothing, never an error.
 */
export class Field {
  readonly value: unknown;
  readonly path: Path;

  constructor(value: unknown, path: Path = []) {
    this.value = value;
    this.path = path;
  }

  /** The field under the keys; where there is none its value is undefined. */
  get(...keys: Path): Field {
    let value = this.value;
    for (const key of keys) {
      const isContainer = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
      value = isContainer ? (value as Record<string | number, unknown>)[key] : undefined;
    }
    return new Field(value, [...this.path, ...keys]);
  }

  /** Null counts as absent, as it does for the API server. */
  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined;
  }

  number(): number | undefined {
    return typeof this.value === 'number' && Number.isFinite(this.value) ? this.value : undefined;
  }

  /** A number or a string, as ports, quantities and IntOrString fields are written. */
  scalar(): string | number | undefined {
    return this.text() ?? this.number();
  }

  isTrue(): boolean {
    return this.value === true;
  }

  isFalse(): boolean {
    return this.value === false;
  }

  /** The elements of a list; none where it is not one. */
  items(): Field[] {
    return Array.isArray(this.value)
      ? this.value.map((item, index) => new Field(item, [...this.path, index]))
      : [];
  }

  /** The entries of a map; none where it is not one. */
  entries(): [string, Field][] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) return [];
    return Object.entries(this.value).map(([key, value]) => [key, new Field(value, [...this.path, key])]);
  }

  /** A map of strings, such as labels; other values are left out. */
  texts(): ReadonlyMap<string, string> {
    return new Map(
      this.entries().flatMap(([key, field]) => {
        const text = field.text();
        return text === undefined ? [] : [[key, text] as const];
      }),
    );
  }
}

/** `spec.template.spec.containers[0].image`; keys that are not plain words are quoted. */
export function formatPath(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      if (!/^[\w-]+$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}
