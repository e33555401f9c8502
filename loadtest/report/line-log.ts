import { tellUnwritten } from '../cli/output-file.ts';
import type { World } from '../cli/world.ts';

/** A file, or standard output, to which lines are added as they come. */
export interface LineLog {
  write(line: string): void;
  /** Resolves when all is written. Were all lines? Where not, standard error has been told why. */
  close(): Promise<boolean>;
}

/** @param path `-`: standard output; undefined: nowhere */
export function createLineLog(flag: string, path: string | undefined, world: World): LineLog {
  let written = Promise.resolve();
  let isKept = true;
  return {
    write(line) {
      if (path === '-') world.stdout.write(line);
      else if (path !== undefined) {
        written = written
          .then(() => world.appendText(path, line))
          .catch((error: Error) => {
            if (isKept) tellUnwritten(flag, path, error, world);
            isKept = false;
          });
      }
    },
    close: async () => {
      await written;
      return isKept;
    },
  };
}
