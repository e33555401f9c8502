import type { Exit } from './exit-code.ts';
import { Fault } from './fault.ts';
import type { World } from './world.ts';

/**
 * Makes sure that the file can be written, and empties it, so that no report of an earlier run is left behind.
 * @throws {Fault} where it cannot; `flag` is the one that names it, with its dashes
 */
export async function prepareOutput(flag: string, path: string, world: World): Promise<void> {
  await world.prepareFile(path).catch((error: unknown) => {
    throw new Fault(toWriteMessage(flag, path, error));
  });
}

/** Writes the file. Resolves to whether it could be; where not, standard error has been told why. */
export async function writeOutput(flag: string, path: string, text: string, world: World): Promise<boolean> {
  try {
    await world.writeText(path, text);
    return true;
  } catch (error) {
    tellUnwritten(flag, path, error, world);
    return false;
  }
}

export function tellUnwritten(flag: string, path: string, error: unknown, { program, stderr }: World): void {
  stderr.write(`${program}: ${toWriteMessage(flag, path, error)}\n`);
}

/**
 * What was found, as far as it is there to be read: losses stay losses even if they could not be written; a good result
 * does not stay good.
 */
export function toWrittenExit(exit: Exit, isWritten: boolean): Exit {
  return isWritten || exit === 'failed' ? exit : 'inconclusive';
}

function toWriteMessage(flag: string, path: string, error: unknown): string {
  return `${flag} ${JSON.stringify(path)} can't be written: ${(error as Error).message}`;
}
