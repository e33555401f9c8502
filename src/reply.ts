/** What a handler answers with. The app makes the `Response` of it, once, with the headers every response has. */
export interface Reply {
  /** HTTP status code. */
  readonly status: number;
  readonly contentType: string;
  /** ASCII only: its length is taken for the number of its bytes. */
  readonly body: string;
  /** Further response headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON answer. */
export function json(status: number, value: unknown): Reply {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}
