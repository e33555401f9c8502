const VALID = /^[A-Za-z0-9._~-]{1,128}$/;

/**
 * Takes over a caller's `X-Request-Id` if it is 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`; makes one
 * otherwise. Such an id needs no escaping in a header, a log line or a URL.
 *
 * @param prefix random, one a process: makes the ids unique over processes. A counter behind it makes them
 *   unique within one, for a tenth of the price of a UUID.
 */
export function createRequestIds(prefix: string): (given: string | null) => string {
  let count = 0;
  return (given) => {
    if (given !== null && VALID.test(given)) return given;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
