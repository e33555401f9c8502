/** The parts of the documents that are made from the manifests and the rules over them: `npm run generate` writes them, a test compares. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { COMMANDS } from '../loadtest/commands.ts';
import { LINT_RULES } from '../loadtest/lint/rules.ts';
import { formatRulesDoc } from '../loadtest/lint/rules-doc.ts';
import { formatTable } from '../loadtest/markdown-table.ts';
import { formatCausesDoc } from '../loadtest/prove/causes-doc.ts';
import { formatReference } from '../loadtest/reference.ts';
import { SETTINGS } from '../src/config.ts';
import { COMPONENTS } from './components.ts';
import { replaceBlock } from './generated-block.ts';
import { type Manifest, render, renderOverlay } from './render.ts';
import { toValueRows } from './values.ts';

const ROOT = join(import.meta.dirname, '..');

/** Path from the project's root → its whole text as it should be. In this order: the later read the earlier. */
export const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['kustomize/components/monitoring/prometheus-rule.yaml', toPrometheusRule],
  ['kustomize/README.md', () => replaceBlock(join(ROOT, 'kustomize/README.md'), toComponentTable())],
  ['docs/dev-and-prod.md', () => replaceBlock(join(ROOT, 'docs/dev-and-prod.md'), toOverlayDiff())],
  ['README.md', () => replaceBlock(join(ROOT, 'README.md'), toSettingsTable())],
  [
    'docs/does-my-rollout-drop-requests.md',
    () => replaceBlock(join(ROOT, 'docs/does-my-rollout-drop-requests.md'), formatCausesDoc()),
  ],
  ['docs/tune.md', () => replaceBlock(join(ROOT, 'docs/tune.md'), toValueTable())],
  ['docs/lint-rules.md', () => formatRulesDoc(LINT_RULES)],
  ['docs/reference-cli.md', () => formatReference(COMMANDS)],
]);

/** The configuration of the service, one line a setting. */
function toSettingsTable(): string {
  const rows = Object.values(SETTINGS).map(({ variable, fallback, accepts, purpose }) => [
    `\`${variable}\``,
    `\`${fallback}\``,
    accepts,
    purpose,
  ]);
  return formatTable(['Variable', 'Default', 'Accepts', 'Meaning'], rows);
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

function toValueTable(): string {
  const overlays = ['dev', 'prod'].map((name) => render(join(import.meta.dirname, 'overlays', name)));
  return formatTable(['Value', 'dev', 'prod', 'Reason'], toValueRows(overlays));
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

/** The groups of rules.yaml as the operator takes them. */
function toPrometheusRule(): string {
  const { groups } = parse(
    readFileSync(join(import.meta.dirname, 'components/monitoring/rules.yaml'), 'utf8'),
  );
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'microservice-rules', labels: { 'app.kubernetes.io/name': 'microservice' } },
    spec: { groups },
  };
  return `# Made from rules.yaml by \`npm run generate\`.\n${stringify(rule, { lineWidth: 0 })}`;
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
    const diff = run.stdout.replace(/^((?:---|\+\+\+) \S+)\t.*$/gm, '$1').replace(/^diff .*\n/gm, '');
    return `\`\`\`diff\n${diff}\`\`\`\n`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
