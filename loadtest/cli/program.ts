import { EXIT_CODES } from './exit-code.ts';
import { Fault } from './fault.ts';
import { parseCommandLine } from './parser.ts';
import { spellCommands } from './program-name.ts';
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
    const request = parseCommandLine(program, args, world);
    const exit = request === null ? 'proven' : await request.command.run(request.given, world);
    return EXIT_CODES[exit].code;
  } catch (error) {
    if (error instanceof Fault) {
      const commands = program.commands.map(({ name }) => name);
      world.stderr.write(`${world.program}: ${spellCommands(error.message, world.program, commands)}\n`);
      return EXIT_CODES[error.exit].code;
    }
    if (!world.interrupted.aborted) throw error;
    world.stderr.write(`${world.program}: interrupted before anything could be shown\n`);
    return EXIT_CODES.inconclusive.code;
  }
}
