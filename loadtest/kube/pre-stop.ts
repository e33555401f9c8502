import type { Field } from './field.ts';

/**
 * The preStop hook of a container: from the deletion of its pod until SIGTERM, as far as that can be read.
 *
 * A hook that fails counts as over at once: the kubelet then goes on to SIGTERM.
 * https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
 */
export type PreStop =
  | { readonly kind: 'none' }
  | (Hook & {
      readonly kind: 'known';
      /** At least 0; `Infinity` for `sleep infinity`: the grace period ends it. */
      readonly ms: number;
    })
  | (Hook & {
      readonly kind: 'unknown';
      /** What hides the length, to follow “not known: ”. */
      readonly why: string;
      /** The sleeps that are known to come before that; at least 0. */
      readonly atLeastMs: number;
    });

interface Hook {
  /** `lifecycle.preStop`. */
  readonly field: Field;
  /** How long it leaves the server alone, where it then tells it to end itself, for example by `nginx -s quit`. */
  readonly endsServerAfterMs: number | null;
}

/** How long a part of a script runs: exactly, or where `why` is given, at least. */
interface Length {
  readonly ms: number;
  readonly why: string | null;
}

const NOTHING: Length = { ms: 0, why: null };

/** The hook of a container, in a manifest or as the API has it. */
export function toPreStop(container: Field): PreStop {
  const field = container.get('lifecycle', 'preStop');
  if (!field.exists) return { kind: 'none' };
  const sleep = field.get('sleep');
  if (sleep.exists) {
    const seconds = sleep.get('seconds').number();
    const length = seconds === undefined ? unknown('sleep.seconds is no number') : known(1_000 * seconds);
    return toHook(field, length, null);
  }
  const command = field.get('exec', 'command');
  if (!command.exists) {
    const [action = 'no action'] = ['httpGet', 'tcpSocket'].filter((name) => field.get(name).exists);
    return toHook(field, unknown(action), null);
  }
  const argv = command.items().map((word) => String(word.scalar() ?? ''));
  const script = toScript(argv);
  const text = script ?? argv.join(' ');
  const end = text.search(ENDS_SERVER);
  return toHook(
    field,
    script === null ? toProgramLength(argv) : toScriptLength(script),
    end === -1 ? null : toScriptLength(text.slice(0, end)).ms,
  );
}

function toHook(field: Field, { ms, why }: Length, endsServerAfterMs: number | null): PreStop {
  return why === null
    ? { kind: 'known', field, ms, endsServerAfterMs }
    : { kind: 'unknown', field, why, atLeastMs: ms, endsServerAfterMs };
}

/**
 * From the deletion until SIGTERM, in ms; null: not known. The hook is cut off at the end of the grace period, and
 * with none it is not run.
 */
export function untilSigtermMs(preStop: PreStop, graceMs: number): number | null {
  if (preStop.kind === 'none') return 0;
  const ms = preStop.kind === 'known' ? preStop.ms : preStop.atLeastMs;
  return preStop.kind === 'known' || ms >= graceMs ? Math.min(ms, graceMs) : null;
}

/** `nginx -s quit`, `kill 1`, `kill -QUIT $(cat /run/server.pid)`, `pkill java`. Other signals end nothing. */
const ENDS_SERVER =
  /(?<=^|[\s/;&|])(nginx\s(.*\s)?-s\s+(quit|stop)\b|kill\s+(-(s\s+)?(SIG)?(TERM|QUIT|INT|KILL|15|3|2|9)\s+)?(1\b|\$|`|")|p?kill(all)?\s+(-(s\s+)?(SIG)?(TERM|QUIT|INT|KILL|15|3|2|9)\s+)?[a-z])/;

/** Programs that are over at once, whatever they are given. */
const AT_ONCE = new Set(
  ': true false echo printf touch rm mkdir date export set unset kill pkill killall'.split(' '),
);

/** The script of `sh -c SCRIPT`; null: no shell is given one. */
function toScript(argv: readonly string[]): string | null {
  if (!/^(\S*\/)?(ba|da|a|z|k)?sh$/.test(argv[0] ?? '')) return null;
  const flag = argv.findIndex((word, index) => index > 0 && /^-\w*c\w*$/.test(word));
  const isFirst = argv.slice(1, flag).every((word) => /^[-+]|^pipefail$/.test(word));
  return flag === -1 || !isFirst ? null : (argv[flag + 1] ?? '');
}

function toProgramLength(words: readonly string[]): Length {
  const [path = '', ...args] = words;
  if (/\s/.test(path)) return NOTHING; // No program has such a name: the hook fails at once.
  const name = path.split('/').at(-1) ?? '';
  if (name === 'exec') return toProgramLength(args);
  if (AT_ONCE.has(name) || path === '') return NOTHING;
  if (name === 'nginx') return args.includes('-s') ? NOTHING : unknown(path);
  return name === 'sleep' ? toSleepLength(args) : unknown(path);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  '': 1_000,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Of several lengths the sum; without any it fails at once. */
function toSleepLength(args: readonly string[]): Length {
  const lengths = args.map((arg): Length => {
    const [, amount, unit = ''] = /^(\d+\.?\d*|\.\d+|inf(?:inity)?)([smhd]?)$/.exec(arg) ?? [];
    if (amount === undefined) return unknown(`sleep ${arg}`);
    return known(amount.startsWith('inf') ? Number.POSITIVE_INFINITY : Number(amount) * (UNIT_MS[unit] ?? 0));
  });
  return lengths.reduce(inSequence, NOTHING);
}

/**
 * How long a POSIX shell script runs, where it is made of sleeps, programs that are over at once, and `for` loops over
 * words that are known. What is in the background (`&`) is not waited for.
 */
function toScriptLength(script: string): Length {
  const tokens = tokenize(script);
  const { length, rest } = toListLength(tokens, null);
  return rest.length === 0 ? length : inSequence(length, unknown(rest[0] ?? ''));
}

const OPERATORS = new Set(['\n', ';', '&', '&&', '|', '||', '(', ')']);

/** What begins a command that is none: a compound one, or what leaves a loop or waits. */
const KEYWORDS = new Set('( { if while until case function break continue exit return wait'.split(' '));

interface Parsed {
  readonly length: Length;
  readonly rest: readonly string[];
}

/** Commands one after the other, as far as `end`, which is taken off too. */
function toListLength(tokens: readonly string[], end: 'done' | null): Parsed {
  let length = NOTHING;
  let rest = tokens;
  for (;;) {
    while (rest[0] === ';' || rest[0] === '\n') rest = rest.slice(1);
    if (rest[0] === undefined) return { length: end === null ? length : hidden(length, 'for'), rest };
    if (rest[0] === end) return { length, rest: rest.slice(1) };
    // Nothing after it counts.
    if (end === null && rest[0] === 'exit') return { length, rest: [] };
    const chain = toChainLength(rest);
    // It cannot be told where such a command ends, so nothing after it counts.
    if (chain.rest === null) return { length: inSequence(length, chain.length), rest: [] };
    const isBackground = chain.rest[0] === '&';
    if (!isBackground) length = inSequence(length, chain.length);
    rest = isBackground ? chain.rest.slice(1) : chain.rest;
    if (rest[0] === ')') return { length, rest };
  }
}

/** Commands with `&&`, `||` and `|` between them. */
function toChainLength(tokens: readonly string[]): { length: Length; rest: readonly string[] | null } {
  let { length, rest } = toCommandLength(tokens);
  for (;;) {
    const operator = rest?.[0] ?? '';
    if (rest === null || !['&&', '||', '|'].includes(operator)) return { length, rest };
    let after = rest.slice(1);
    while (after[0] === '\n') after = after.slice(1);
    const next = toCommandLength(after);
    rest = next.rest;
    if (operator === '&&') length = inSequence(length, next.length);
    else if (operator === '|') length = inParallel(length, next.length);
    // What is known succeeds, and the other side is not run. What is not known may fail.
    else if (length.why !== null) length = hidden(length, length.why);
  }
}

function toCommandLength(tokens: readonly string[]): { length: Length; rest: readonly string[] | null } {
  const [first = ''] = tokens;
  if (first === 'for') return toLoopLength(tokens);
  if (KEYWORDS.has(first) || tokens[1] === '(') return { length: unknown(first), rest: null };
  const end = tokens.findIndex((token) => OPERATORS.has(token));
  const words = tokens.slice(0, end === -1 ? undefined : end);
  const named = words.findIndex((word) => !/^\w+=/.test(word));
  const rest = tokens.slice(words.length);
  // It fails: what comes after `&&` is not run, and what comes after `||` is.
  if (words[named] === 'false' && ['&&', '||'].includes(rest[0] ?? ''))
    return { length: unknown('false'), rest };
  return { length: named === -1 ? NOTHING : toProgramLength(words.slice(named)), rest };
}

/** `for NAME in WORDS; do LIST; done`. */
function toLoopLength([, , isIn, ...tokens]: readonly string[]): Parsed {
  const from = tokens.indexOf('do');
  if (isIn !== 'in' || from === -1) return { length: unknown('for'), rest: [] };
  const rounds = countWords(tokens.slice(0, from).filter((token) => !OPERATORS.has(token)));
  const { length: body, rest } = toListLength(tokens.slice(from + 1), 'done');
  if (rounds === null) return { length: unknown('for'), rest };
  if (body.why !== null) return { length: rounds === 0 ? NOTHING : body, rest };
  return { length: known(rounds === 0 ? 0 : rounds * body.ms), rest };
}

/** `1 2 3`, `$(seq 3)`, `$(seq 1 3)`, `{1..3}`: 3; null: not known. */
function countWords(words: readonly string[]): number | null {
  let count = 0;
  for (const word of words) {
    const [, first = '1', last] =
      /^(?:\$\(|`)\s*seq\s+(?:(\d+)\s+)?(\d+)\s*[)`]$/.exec(word) ?? /^\{(\d+)\.\.(\d+)\}$/.exec(word) ?? [];
    if (last !== undefined) count += Math.max(0, Number(last) - Number(first) + 1);
    else if (/[$`*?{[]/.test(word)) return null;
    else count += 1;
  }
  return count;
}

/** Words, without their quotes and without redirections, and operators. */
function tokenize(script: string): string[] {
  const parts = script.matchAll(
    /#.*(?=\n|$)|(\d*[<>]+&?\s*[^\s;&|()]+|&>\s*[^\s;&|()]+)|(&&|\|\||[;&|()\n])|((?:'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\$\([^()]*\)|\$\{[^}]*\}|\\.|[^\s;&|()'"`])+)|['"`]/g,
  );
  return [...parts].flatMap(([whole, redirection, operator, word]) => {
    if (operator !== undefined) return [operator];
    if (redirection !== undefined || whole.startsWith('#')) return [];
    return [(word ?? whole).replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2')];
  });
}

function known(ms: number): Length {
  return { ms, why: null };
}

function unknown(why: string): Length {
  return { ms: 0, why };
}

function hidden({ ms }: Length, why: string): Length {
  return { ms, why };
}

/** What follows one whose end is not known still takes its time: at least the sum. */
function inSequence(a: Length, b: Length): Length {
  return { ms: a.ms + b.ms, why: a.why ?? b.why };
}

function inParallel(a: Length, b: Length): Length {
  return { ms: Math.max(a.ms, b.ms), why: a.why ?? b.why };
}
