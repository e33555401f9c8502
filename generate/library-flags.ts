import type { Command } from '../loadtest/cli/command.ts';
import { describeOption, type Option } from '../loadtest/cli/option.ts';

/** What the library gives itself. */
const OWN: readonly string[] = ['json', 'output'];

/** The types of what the library takes, from the flags that the commands take: loadtest/library/flags.d.ts. */
export function formatLibraryFlags(commands: readonly Command[]): string {
  return `// Made by \`npm run generate\` from the definitions of the flags.\n${commands.map(formatFlags).join('')}`;
}

function formatFlags({ name, options }: Command): string {
  const flags = Object.entries(options).filter(([flag]) => !OWN.includes(flag));
  return [
    '',
    `/** The flags of \`dropless ${name}\`, in camel case. Times are texts with their unit, for example \`1.5s\`. */`,
    `export interface ${name.charAt(0).toUpperCase()}${name.slice(1)}Flags {`,
    ...flags.flatMap(([flag, option]) => [
      `  /** ${describeOption(option).replaceAll('*/', '*\\/')} */`,
      `  readonly ${toProperty(flag)}?: ${toType(option)} | undefined;`,
    ]),
    '}',
    '',
  ].join('\n');
}

function toProperty(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function toType({ placeholder, range, isRepeatable }: Option<unknown>): string {
  if (placeholder === null) return 'boolean';
  if (isRepeatable) return 'readonly string[]';
  // Of a time, the ends have units.
  if (range !== null && /^-?[\d.]+ to -?[\d.]+$/.test(range)) return 'number';
  const words = placeholder.split('|');
  return words.length > 1 && words.every((word) => /^[a-z-]+$/.test(word))
    ? words.map((word) => `'${word}'`).join(' | ')
    : 'string';
}
