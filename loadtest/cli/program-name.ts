import { basename } from 'node:path';

/** What its user calls this program by. kubectl runs a file named `kubectl-dropless` as its own command. */
export type ProgramName = 'dropless' | 'kubectl dropless';

/**
 * Pure.
 * @param paths what it was started as: the program, and the script if a runtime was given one
 */
export function toProgramName(paths: readonly string[]): ProgramName {
  return paths.some((path) => basename(path) === 'kubectl-dropless') ? 'kubectl dropless' : 'dropless';
}

/**
 * A text with the commands of this program as its user has to write them. Pure.
 *
 * `dropless lint deploy/web` for `kubectl dropless` → `kubectl dropless lint deploy/web`.
 * @param commands their names: without one of them behind it, the word is no command
 */
export function spellCommands(text: string, name: ProgramName, commands: readonly string[]): string {
  return text.replaceAll(new RegExp(`\\bdropless(?= (${commands.join('|')})\\b)`, 'g'), name);
}
