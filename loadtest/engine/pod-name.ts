/** Lower-case letters, digits, - and . : RFC 1123, as pods are named. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/;

/**
 * The name that follows this text in a body; null: there is none.
 *
 * `readName('{"hostname":"web-1"}', '"hostname":"')` is `web-1`.
 */
export function readName(body: string, before: string): string | null {
  const at = body.indexOf(before);
  return at === -1 ? null : (NAME.exec(body.slice(at + before.length))?.[0] ?? null);
}
