import { Fault } from './fault.ts';
import type { World } from './world.ts';

/** @throws {Fault} where the file can't be read; `given` is the flag or argument that names it */
export async function readInput(
  given: string,
  path: string,
  world: Pick<World, 'readText'>,
  encoding?: 'utf8' | 'latin1',
): Promise<string> {
  try {
    return await world.readText(path, encoding);
  } catch (error) {
    throw new Fault(`${given} ${JSON.stringify(path)} can't be read: ${(error as Error).message}`);
  }
}
