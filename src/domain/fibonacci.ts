/**
 * The largest n whose Fibonacci number a double holds exactly: F(78) = 8 944 394 323 791 464, and
 * F(79) is beyond `Number.MAX_SAFE_INTEGER` (2^53 − 1).
 */
export const LARGEST_EXACT_N = 78;

/** Up to this n the recursion takes microseconds and runs inline; above it, in the worker pool. */
export const LARGEST_INLINE_N = 20;

/**
 * The n-th Fibonacci number by naive recursion: about 1.6^n steps of checkable CPU load.
 *
 * @param n whole number from 0 to {@link LARGEST_EXACT_N}.
 */
export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
