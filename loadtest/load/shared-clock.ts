/** Ms on the clock that all threads of this process share; it never goes back. */
export function toSharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}
