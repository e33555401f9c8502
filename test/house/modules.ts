import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';

export const ROOT = join(import.meta.dirname, '../..');

export interface Module {
  /** From the project's root, with slashes. */
  readonly path: string;
  /** The files of the project that it imports, loads later, or names in `new URL('./x', import.meta.url)`. */
  readonly imports: readonly string[];
  /** The names of the types, functions and constants that it declares and exports; none twice. */
  readonly exports: readonly string[];
}

const RELATIVE_URL = /new URL\(\s*'(\.[^']*)',\s*import\.meta\.url/g;

/** What a TypeScript file imports and exports. Packages and built-in modules are left out. */
export function toModule(path: string, text: string): Module {
  const { module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const exported = module.staticExports.flatMap(({ entries }) => entries);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...exported.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
    ...[...text.matchAll(RELATIVE_URL)].map(([, specifier = '']) => specifier),
  ];
  return {
    path,
    imports: specifiers
      .filter((specifier) => specifier.startsWith('.') && !specifier.endsWith('.json'))
      .map((specifier) => posix.join(posix.dirname(path), specifier)),
    exports: [
      ...new Set(exported.flatMap((entry) => (entry.moduleRequest ? [] : (entry.exportName.name ?? [])))),
    ],
  };
}

/** The modules of a folder, tests included, without what is installed or built. */
export function readModules(folder: string): Module[] {
  return listFiles(folder, '.ts').map((path) => toModule(path, readFileSync(join(ROOT, path), 'utf8')));
}

/** What .gitignore names, and git's own: the project may stand where git is not. */
const IGNORED = /^(node_modules|dist|coverage|\.git)$/;

/** Every file below a folder whose name ends so, from the project's root, without what is installed or built. */
export function listFiles(folder: string, end: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !IGNORED.test(name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return listFiles(path, end);
      return path.endsWith(end) ? [path] : [];
    })
    .sort();
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
