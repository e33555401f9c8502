import { Fault } from '../cli/fault.ts';
import { findHeaderFault, type Headers } from '../engine/request-writer.ts';

/** Headers that are read again while the load runs. */
export interface HeaderFile {
  readonly path: string;
  /** As it was before the load. */
  readonly headers: Headers;
}

/**
 * Reads lines `Name: value`; blank lines, and those that start with #, are skipped.
 * @throws {Fault} with all that is wrong, each with its line, and without the values, which may be secrets
 */
export function parseHeaderFile(text: string, path: string): Headers {
  const headers: Record<string, string> = {};
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name = '', value = ''] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    const isTwice = Object.keys(headers).some((other) => other.toLowerCase() === name.toLowerCase());
    const fault =
      name === '' ? 'must be Name: value' : isTwice ? `${name} is there twice` : findHeaderFault(name, value);
    if (fault === null) headers[name] = value;
    else faults.push(`${path}:${index + 1}: ${fault}`);
  }
  if (faults.length === 0 && Object.keys(headers).length === 0) faults.push(`${path} holds no header`);
  if (faults.length > 0) throw new Fault(faults.join('\n  '));
  return headers;
}

/** How often the file is to be looked at. */
export const LOOK_MS = 250;

/** Headers that follow their file. */
interface LiveHeaders {
  /** Another object once they have changed. */
  readonly current: Headers;
  /** To be called every `LOOK_MS`. Does nothing while a look is under way. */
  look(): Promise<void>;
}

/**
 * Follows a file by what is in it: its times and inode tell little of a file that is mounted, or replaced by a link.
 * A text counts when it is found twice in a row, so that a file is not caught half written; one that cannot be read,
 * or holds what is no header, leaves the headers as they are.
 * @param onFault told what is wrong with the file, once until it is something else
 */
export function followHeaderFile(
  { path, headers }: HeaderFile,
  readText: (path: string) => Promise<string>,
  onFault: (fault: string) => void,
): LiveHeaders {
  let current = headers;
  let latest: string | null = null;
  let used: string | null = null;
  let told: string | null = null;
  let isLooking = false;

  /** What was found: the text of the file, or why there is none. */
  function take(found: { readonly text: string } | { readonly fault: string }): void {
    const text = 'text' in found ? found.text : `unreadable: ${found.fault}`;
    const isTwice = text === latest;
    latest = text;
    if (!isTwice || text === used) return;
    used = text;
    try {
      if ('fault' in found) throw new Fault(`${path} cannot be read: ${found.fault}`);
      current = parseHeaderFile(text, path);
      told = null;
    } catch (error) {
      const { message } = error as Error;
      if (message !== told) onFault(`the headers stay as they were: ${message}`);
      told = message;
    }
  }

  return {
    get current() {
      return current;
    },
    async look() {
      if (isLooking) return;
      isLooking = true;
      take(
        await readText(path).then(
          (text) => ({ text }),
          (error: Error) => ({ fault: error.message }),
        ),
      );
      isLooking = false;
    },
  };
}
