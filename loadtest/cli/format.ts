const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const THREE_DIGITS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
const TWO_DIGITS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 });

/** `12,345`. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** A time in ms with three digits and its unit: `0.42 ms`, `3.14 s`; `-` where there is none. */
export function formatMs(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return '-';
  return ms < 1_000 ? `${THREE_DIGITS.format(ms)} ms` : `${THREE_DIGITS.format(ms / 1_000)} s`;
}

/** Seconds, with one decimal where they are not whole: `5 s`, `12.3 s`. */
export function formatSeconds(ms: number): string {
  return Number.isInteger(ms / 1_000) ? `${ms / 1_000} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A share from 0 to 1 with two digits: `0.3%`. */
export function formatPercent(share: number): string {
  return `${TWO_DIGITS.format(100 * share)}%`;
}

/** With that many decimals and no unit; `-` where there is nothing. */
export function formatFixed(value: number | null, decimals: number): string {
  return value === null || !Number.isFinite(value) ? '-' : value.toFixed(decimals);
}
