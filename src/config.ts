import { LARGEST_EXACT_N } from './domain/fibonacci.ts';
import { ACCESS_LOGS, type AccessLog, LOG_LEVELS, type LogLevel } from './telemetry/log.ts';

/** One environment variable the service reads. The README's table is made of these. */
interface Setting<T> {
  /** Name of the environment variable. */
  readonly variable: string;
  /** The raw value that stands for an unset variable. */
  readonly fallback: string;
  /** The accepted values, in words: shown in faults and in the README. */
  readonly accepts: string;
  readonly purpose: string;
  /** From the raw text to the value, or `undefined` when the text is not accepted. */
  readonly parse: (raw: string) => T | undefined;
}

type Source = Readonly<Record<string, string | undefined>>;

function integer(
  variable: string,
  fallback: number,
  range: readonly [low: number, high: number],
  purpose: string,
): Setting<number> {
  const [low, high] = range;
  return {
    variable,
    fallback: String(fallback),
    accepts: `a whole number from ${low} to ${high}`,
    purpose,
    parse: (raw) => {
      const value = /^(0|[1-9]\d{0,9})$/.test(raw) ? Number(raw) : Number.NaN;
      return value >= low && value <= high ? value : undefined;
    },
  };
}

function oneOf<T extends string>(
  variable: string,
  fallback: T,
  choices: readonly T[],
  purpose: string,
): Setting<T> {
  return {
    variable,
    fallback,
    accepts: choices.map((choice) => `\`${choice}\``).join(', '),
    purpose,
    parse: (raw) => choices.find((choice) => choice === raw),
  };
}

/** Text that is safe as an HTTP header value, a metrics label and a log field: visible ASCII, no spaces. */
function label(variable: string, fallback: string, purpose: string): Setting<string> {
  return {
    variable,
    fallback,
    accepts: '1 to 253 visible ASCII characters',
    purpose,
    parse: (raw) => (/^[\x21-\x7e]{1,253}$/.test(raw) ? raw : undefined),
  };
}

/** Every setting of the service, in the order of the README's table. */
export const SETTINGS = {
  port: integer('PORT', 3000, [0, 65_535], 'Port to listen on; 0 takes a free one.'),
  host: label('HOST', '0.0.0.0', 'Address to listen on.'),
  maxRandomNumber: integer(
    'MAX_RANDOM_NUMBER',
    20,
    [0, LARGEST_EXACT_N],
    '`/payload` without `?n=` draws a number from 0 to this.',
  ),
  payloadMaxN: integer('PAYLOAD_MAX_N', 40, [0, LARGEST_EXACT_N], 'Largest `?n=` that `/payload` accepts.'),
  payloadTimeoutMs: integer(
    'PAYLOAD_TIMEOUT_MS',
    10_000,
    [1, 60_000],
    'A `/payload` that computes longer, its time in the queue included, is 504. Largest `?delayMs=`.',
  ),
  workers: integer('WORKERS', 1, [1, 64], 'Worker threads for `/payload` with n over 20.'),
  queueLength: integer(
    'QUEUE_LENGTH',
    16,
    [0, 10_000],
    'Payloads that may wait for a worker; one more is answered 503 with `Retry-After`.',
  ),
  lameDuckMs: integer(
    'LAME_DUCK_MS',
    2_000,
    [0, 600_000],
    'After SIGTERM: how long new connections are still accepted, with `Connection: close` on every response.',
  ),
  drainTimeoutMs: integer(
    'DRAIN_TIMEOUT_MS',
    25_000,
    [0, 600_000],
    'After the lame duck: how long requests in flight may take to finish.',
  ),
  logLevel: oneOf<LogLevel>('LOG_LEVEL', 'info', LOG_LEVELS, 'Least level that is logged.'),
  accessLog: oneOf<AccessLog>(
    'ACCESS_LOG',
    'all',
    ACCESS_LOGS,
    'Which requests are logged; `errors` are those answered 400 and above.',
  ),
  version: label(
    'APP_VERSION',
    'dev',
    'Version told by `/version`, `X-Version`, logs and metrics; in a build, where unset, its own.',
  ),
  revision: label(
    'APP_REVISION',
    'unknown',
    'Source revision told by `/version` and metrics; in a build, where unset, its commit.',
  ),
  pod: label('POD_NAME', 'local', 'Pod told by `/version`, `X-Pod` and logs; `HOSTNAME` where unset.'),
  node: label('NODE_NAME', 'local', 'Node told by `/version`.'),
  namespace: label('POD_NAMESPACE', 'local', 'Namespace told by `/version`.'),
} as const satisfies Record<string, Setting<unknown>>;

/** The parsed configuration: one property a setting. Times are milliseconds. */
export type Config = {
  readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

/** The environment holds values that the service refuses. Each fault is one sentence with value and range. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/**
 * Reads the whole configuration at once. An empty variable counts as unset, as in most Kubernetes tooling.
 *
 * @param defaults what the process itself knows, by variable
 * @throws ConfigError naming every fault, not only the first.
 */
export function parseConfig(env: Source, defaults: Source = {}): Config {
  const faults: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const raw = env[setting.variable] || defaults[setting.variable] || setting.fallback;
    const value = setting.parse(raw);
    if (value === undefined) {
      faults.push(`${setting.variable} is ${quote(raw)}: expected ${setting.accepts}`);
    }
    config[name] = value;
  }
  const { maxRandomNumber, payloadMaxN } = config as Partial<Config>;
  if (maxRandomNumber !== undefined && payloadMaxN !== undefined && maxRandomNumber > payloadMaxN) {
    faults.push(
      `MAX_RANDOM_NUMBER is "${maxRandomNumber}": expected at most PAYLOAD_MAX_N, which is "${payloadMaxN}"`,
    );
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return config as Config;
}

function quote(raw: string): string {
  return JSON.stringify(raw.length > 80 ? `${raw.slice(0, 80)}…` : raw);
}
