import { EXIT_CODES } from './exit-code.ts';
import { Fault } from './fault.ts';
import { parseCommandLine } from './parser.ts';
import type { World } from './world.ts';

/**
 * The whole program as a function: the exit code for the arguments after the program's name. The one place where a
 * `Fault` becomes a message and an exit code; anything else that is thrown is a bug, and left to the caller.
 */
export async function runCli(
  program: Parameters<typeof parseCommandLine>[0],
  args: readonly string[],
  world: World,
): Promise<number> {
  try {
    const request = parseCommandLine(program, args, world.stdout);
    const exit = request === null ? 'proven' : await request.command.run(request.given, world);
    return EXIT_CODES[exit].code;
  } catch (error) {
    if (error instanceof Fault) {
      world.stderr.write(`dropless: ${error.message}\n`);
      return EXIT_CODES[error.exit].code;
    }
    if (!world.interrupted.aborted) throw error;
    world.stderr.write('dropless: interrupted before anything could be shown\n');
    return EXIT_CODES.inconclusive.code;
  }
}
