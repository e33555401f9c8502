import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The command line that begins with this program and these words; undefined where it is not on the PATH. */
export function toCommand(name: string, ...words: string[]): [string, ...string[]] | undefined {
  const file = findProgram(name);
  return file === undefined ? undefined : [file, ...words];
}

/** The file that a program's name stands for on the PATH; undefined where there is none that this user can run. */
function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
