import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

/** What the page holds besides the report. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** How script and style are bundled: two files, each self-contained. */
export const PAGE_CLIENT = {
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Reads them from beside the bundled program, or builds them when running from source. */
export async function loadPageAssets(): Promise<PageAssets> {
  if (!import.meta.url.endsWith('.ts')) {
    const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8');
    return { script: await read('./page-client.js'), style: await read('./page-client.css') };
  }
  const { build } = await import('esbuild');
  const directory = fileURLToPath(new URL('./client/', import.meta.url));
  const { outputFiles } = await build({
    ...PAGE_CLIENT,
    entryPoints: [`${directory}charts.ts`, `${directory}page.css`],
    outdir: directory,
    write: false,
  });
  const textOf = (extension: string) => outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? '';
  return { script: textOf('.js'), style: textOf('.css') };
}
