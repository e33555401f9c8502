/** Levels of a log line, from the least. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Which requests are logged; `errors` are those answered 400 and above. */
export const ACCESS_LOGS = ['all', 'errors', 'off'] as const;
export type AccessLog = (typeof ACCESS_LOGS)[number];

/** One answered request, as the access log tells it. */
interface AccessEntry {
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Length of the body. */
  readonly bytes: number;
}

export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  access(entry: AccessEntry): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly accessLog: AccessLog;
  /** Fields of every line. */
  readonly identity: { readonly pod: string; readonly version: string };
  /** Takes one line with its line feed. Must not block. */
  readonly write: (line: string) => void;
  /** Wall clock, in ms since the epoch. */
  readonly wallClock: () => number;
}

/**
 * One JSON object a line. Nothing a client sends reaches a line unescaped: request ids and routes come from
 * closed alphabets, everything else goes through `JSON.stringify`, which escapes line feeds and controls.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { accessLog, write, wallClock } = options;
  const least = LOG_LEVELS.indexOf(options.level);
  const identity = JSON.stringify(options.identity).slice(1);

  let stampMs = Number.NaN;
  let stamp = '';
  function time(): string {
    const nowMs = wallClock();
    if (nowMs !== stampMs) {
      stampMs = nowMs;
      stamp = new Date(nowMs).toISOString();
    }
    return stamp;
  }

  function log(level: LogLevel): (message: string, fields?: object) => void {
    if (LOG_LEVELS.indexOf(level) < least) return () => {};
    return (message, fields = {}) => {
      const rest = JSON.stringify(fields, errorsToObjects).slice(1, -1);
      write(
        `{"level":"${level}","time":"${time()}","message":${JSON.stringify(message)},${rest}${rest && ','}${identity}\n`,
      );
    };
  }

  // The text between request id and duration, by route and status, for GET: what is left to put together a
  // request is few pieces, and that is the larger part of what a line costs.
  const middles = new Map<string, Map<number, string>>();
  function toMiddle(method: string, route: string, status: number): string {
    return `","method":${JSON.stringify(method.slice(0, 32))},"route":"${route}","status":${status},"durationMs":`;
  }
  function getMiddle(route: string, status: number): string {
    const known = middles.get(route)?.get(status);
    if (known !== undefined) return known;
    const middle = toMiddle('GET', route, status);
    middles.set(route, (middles.get(route) ?? new Map<number, string>()).set(status, middle));
    return middle;
  }
  const tail = `,${identity}\n`;

  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    access({ requestId, method, route, status, durationMs, bytes }) {
      if (accessLog === 'off' || (accessLog === 'errors' && status < 400)) return;
      const start = status < 500 ? '{"level":"info","time":"' : '{"level":"error","time":"';
      const middle = method === 'GET' ? getMiddle(route, status) : toMiddle(method, route, status);
      const duration = Math.round(durationMs * 1000) / 1000;
      write(
        `${start}${time()}","message":"request","requestId":"${requestId}${middle}${duration},"bytes":${bytes}${tail}`,
      );
    },
  };
}

function errorsToObjects(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack };
}
