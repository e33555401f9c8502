const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `250ms`, `1.5s`, `2m`, `1h` in ms; null where it is not a duration with its unit. */
export function parseDurationMs(text: string): number | null {
  const [, amount, unit] = /^(\d+\.?\d*|\.\d+)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return null;
  return Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

/** Formats ms in the largest unit that gives a whole number: 90000 is `90s`, 120000 `2m`; ms below a second. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms >= UNITS_MS[unit] && ms % UNITS_MS[unit] === 0) return `${ms / UNITS_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
