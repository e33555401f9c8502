/** The parts of the documents that are made from the manifests and the rules over them: `npm run generate` writes them, a test compares. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { COMMANDS } from '../loadtest/commands.ts';
import { LINT_RULES } from '../loadtest/lint/rules.ts';
import { formatRulesDoc } from '../loadtest/lint/rules-doc.ts';
import { formatTable } from '../loadtest/markdown-table.ts';
import { formatReference } from '../loadtest/reference.ts';
import { COMPONENTS } from './components.ts';
import { type Manifest, render, renderOverlay } from './render.ts';

const ROOT = join(import.meta.dirname, '..');

/** Path from the project's root → the file's whole text as it should be. */
export function generate(): Map<string, string> {
  return new Map([
    withBlock('kustomize/README.md', toComponentTable()),
    withBlock('docs/dev-and-prod.md', `\`\`\`diff\n${toOverlayDiff()}\`\`\`\n`),
    ['docs/lint-rules.md', formatRulesDoc(LINT_RULES)],
    ['docs/reference-cli.md', formatReference(COMMANDS)],
  ]);
}

/** The file with the text between its two marks replaced. */
function withBlock(path: string, block: string): [string, string] {
  const [before, after] = ['<!-- made by npm run generate -->\n', '<!-- end -->\n'];
  const text = readFileSync(join(ROOT, path), 'utf8');
  const [start, end] = [text.indexOf(before) + before.length, text.indexOf(after)];
  if (start < before.length || end < start) throw new Error(`${path} lacks the marks of a generated block`);
  return [path, `${text.slice(0, start)}\n${block}\n${text.slice(end)}`];
}

function toComponentTable(): string {
  const users = ['dev', 'prod'].map((overlay) => [overlay, readOverlay(overlay)] as const);
  const base = renderOverlay({ resources: ['base'] });
  const rows = Object.entries(COMPONENTS).map(([name, { purpose, needs }]) => {
    const kinds = toAddedKinds(
      base,
      renderOverlay({ resources: ['base'], components: [`components/${name}`] }),
    );
    const usedBy = users
      .filter(([, text]) => text.includes(`components/${name}\n`))
      .map(([overlay]) => overlay);
    return [`[${name}](components/${name})`, purpose, kinds, needs, usedBy.join(', ')];
  });
  return formatTable(['Component', 'What it gives', 'Objects it adds', 'What it needs', 'Used in'], rows);
}

function readOverlay(name: string): string {
  return readFileSync(join(import.meta.dirname, 'overlays', name, 'kustomization.yaml'), 'utf8');
}

function toAddedKinds(before: readonly Manifest[], after: readonly Manifest[]): string {
  const known = new Set(before.map((manifest) => manifest.kind));
  return after
    .map((manifest) => manifest.kind)
    .filter((kind) => !known.has(kind))
    .join(', ');
}

/** `kubectl diff` of prod against dev, one file an object. */
function toOverlayDiff(): string {
  const directory = mkdtempSync(join(tmpdir(), 'overlay-diff-'));
  try {
    for (const overlay of ['dev', 'prod']) {
      mkdirSync(join(directory, overlay));
      for (const manifest of render(join(import.meta.dirname, 'overlays', overlay))) {
        const { kind, metadata } = manifest;
        // A generated name ends in a hash, which would make two objects of one.
        const name = kind === 'ConfigMap' ? metadata.name.replace(/-\w+$/, '') : metadata.name;
        writeFileSync(
          join(directory, overlay, `${kind}.${name}`),
          stringify(manifest, { sortMapEntries: true }),
        );
      }
    }
    const run = spawnSync('diff', ['-r', '-U', '2', '-N', 'dev', 'prod'], {
      cwd: directory,
      encoding: 'utf8',
    });
    if (run.error !== undefined) throw run.error;
    // Times of the files, and the command line that diff repeats between two of them.
    return run.stdout.replace(/^((?:---|\+\+\+) \S+)\t.*$/gm, '$1').replace(/^diff .*\n/gm, '');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
