import { type Command, formatColumns, formatExitCodes, formatHelp } from './command.ts';
import { EXIT_CODES } from './exit-code.ts';
import { Fault } from './fault.ts';
import type { World } from './world.ts';

/** The whole program as a function: the exit code for the arguments after the program's name. */
export async function runCli(
  commands: readonly Command[],
  args: readonly string[],
  world: World,
): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      world.stdout.write(formatOverview(commands));
      return EXIT_CODES[name === undefined ? 'usage' : 'proven'].code;
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (command === undefined) {
      const names = commands.map((candidate) => candidate.name).join(', ');
      throw new Fault(`unknown command ${JSON.stringify(name)}; the commands are ${names}`);
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      world.stdout.write(formatHelp(command));
      return EXIT_CODES.proven.code;
    }
    return EXIT_CODES[await command.run(rest, world)].code;
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

function formatOverview(commands: readonly Command[]): string {
  return [
    'dropless: load that accounts for every request, and says whether any was lost',
    '',
    'Usage: dropless COMMAND [flags]',
    '',
    'Commands:',
    ...formatColumns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Exit codes:',
    ...formatExitCodes(),
    '',
    'dropless COMMAND --help lists its flags and shows examples.',
    '',
  ].join('\n');
}
