/**
 * The caller's fault: a bad flag, URL or file. The message is one line that names the value, the place and the
 * fix; `dropless` prints it after its own name and exits 2.
 */
export class UsageError extends Error {
  override name = 'UsageError';
}
