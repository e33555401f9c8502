/** The package as npm installs it: packed, and installed where nothing of the project can be reached. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Program } from './command-line.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What `npm pack --json` says of the tarball. */
interface Packed {
  readonly filename: string;
  /** In bytes. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export interface InstalledPackage {
  readonly packed: Packed;
  /** The project of the user, outside of this one: the package is in its node_modules/. */
  readonly directory: string;
  /** Node, Bun and the shell, and a home that cannot be written to. */
  readonly env: Readonly<Record<string, string>>;
  /** The program on each runtime. */
  readonly programs: { readonly node: Program; readonly bun: Program };
  remove(): void;
}

/** @throws where it cannot be installed without the network */
export function installPackage(): InstalledPackage {
  const folder = mkdtempSync(join(tmpdir(), 'dropless-package-'));
  const directory = join(folder, 'a project');
  const programs = join(folder, 'bin');
  for (const path of [directory, programs]) mkdirSync(path);
  const node = run('node', ['-p', 'process.execPath'], folder, folder).trim();
  symlinkSync(node, join(programs, 'node'));
  symlinkSync(process.execPath, join(programs, 'bun'));
  // The bundle is there: whoever runs the tests has built it.
  const listing = run(
    'npm',
    ['pack', '-w', 'dropless', '--json', '--ignore-scripts', '--pack-destination', folder],
    ROOT,
    folder,
  );
  const packed = readPacked(listing);
  const quiet = ['--offline', '--no-audit', '--no-fund', '--cache', join(folder, 'cache')];
  run('npm', ['install', ...quiet, join(folder, packed.filename)], directory, folder);
  const bin = join(directory, 'node_modules/.bin/dropless');
  return {
    packed,
    directory,
    // Nobody can make a folder below /dev/null, root included.
    env: { PATH: [programs, '/usr/bin', '/bin'].join(delimiter), HOME: '/dev/null/home' },
    programs: {
      node: { name: 'Node', argv: [bin] },
      bun: { name: 'Bun', argv: [join(programs, 'bun'), bin] },
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A list, or since npm 12 an object by name. */
function readPacked(text: string): Packed {
  const [packed] = Object.values(JSON.parse(text) as Record<string, Packed>);
  if (packed === undefined) throw new Error(`npm packed nothing: ${text}`);
  return packed;
}

function run(program: string, args: readonly string[], cwd: string, home: string): string {
  // Not what an outer `npm test` tells its children: it would install into this project.
  const env = { PATH: process.env.PATH, HOME: home };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

export function readPackageFile({ directory }: InstalledPackage, path: string): string {
  return readFileSync(join(directory, 'node_modules/dropless', path), 'utf8');
}
