/** The parts of the documents that are made from the code's registries and from the manifests: `npm run generate` writes them, a test compares. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Command } from '../loadtest/cli/command.ts';
import { COMMANDS } from '../loadtest/commands/registry.ts';
import { LINT_RULES } from '../loadtest/lint/rules.ts';
import { SETTINGS } from '../src/config.ts';
import { replaceBlock } from './block.ts';
import { formatCausesDoc } from './causes.ts';
import { formatReference } from './cli-reference.ts';
import { COMPONENTS } from './components.ts';
import { formatHazardsDoc } from './hazards.ts';
import { formatLibraryFlags } from './library-flags.ts';
import { formatRulesDoc } from './lint-rules.ts';
import { formatLongProof, readLongProof } from './long-proof.ts';
import { formatTable } from './markdown-table.ts';
import { type Manifest, render, renderOverlay } from './render.ts';
import { formatReplacementReasons } from './replacement-reasons.ts';
import { formatRooms } from './rooms.ts';
import { SCHEMAS, toSchemaPath } from './schemas.ts';
import { toValueRows } from './values.ts';
import { formatWorkloads } from './workloads.ts';

const ROOT = join(import.meta.dirname, '..');

interface GeneratedFile {
  /** From the project's root. */
  readonly path: string;
  /** The whole text as it should be. */
  readonly toText: () => string;
  /** Whether it is made of rendered manifests, for which kustomize or kubectl is needed. */
  readonly isRendered: boolean;
}

/** In this order: the later read the earlier. */
export const GENERATED: readonly GeneratedFile[] = [
  whole('kustomize/components/monitoring/prometheus-rule.yaml', () =>
    toPrometheusRule('monitoring', 'microservice'),
  ),
  whole('kustomize/components/observer/prometheus-rule.yaml', () => toPrometheusRule('observer', 'observer')),
  block('ARCHITECTURE.md', formatRooms),
  block('README.md', toSettingsTable),
  block('docs/does-my-rollout-drop-requests.md', formatCausesDoc),
  block('docs/hazards.md', formatHazardsDoc),
  block('docs/observe.md', formatReplacementReasons),
  block('docs/workloads.md', formatWorkloads),
  block('docs/proof.md', () => formatLongProof(readLongProof(join(ROOT, 'docs/proof')))),
  ...SCHEMAS.map((schema) => whole(toSchemaPath(schema), () => `${JSON.stringify(schema, null, 2)}\n`)),
  whole('loadtest/library/flags.d.ts', () => formatLibraryFlags(findCommands('prove', 'lint'))),
  whole('docs/lint-rules.md', () => formatRulesDoc(LINT_RULES)),
  whole('docs/reference-cli.md', () => formatReference(COMMANDS)),
  rendered(block('kustomize/README.md', toComponentTable)),
  rendered(block('docs/dev-and-prod.md', toOverlayDiff)),
  rendered(block('docs/tune.md', toValueTable)),
];

function whole(path: string, toText: () => string): GeneratedFile {
  return { path, toText, isRendered: false };
}

/** Only what stands between the marks of the file is made. */
function block(path: string, toBlock: () => string): GeneratedFile {
  return whole(path, () => replaceBlock(join(ROOT, path), toBlock()));
}

function findCommands(...names: string[]): Command[] {
  return COMMANDS.filter(({ name }) => names.includes(name));
}

function rendered(file: GeneratedFile): GeneratedFile {
  return { ...file, isRendered: true };
}

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
  const overlays = ['dev', 'prod'].map((name) => render(join(ROOT, 'kustomize/overlays', name)));
  return formatTable(['Value', 'dev', 'prod', 'Reason'], toValueRows(overlays));
}

function readOverlay(name: string): string {
  return readFileSync(join(ROOT, 'kustomize/overlays', name, 'kustomization.yaml'), 'utf8');
}

function toAddedKinds(before: readonly Manifest[], after: readonly Manifest[]): string {
  const known = new Set(before.map((manifest) => manifest.kind));
  return after
    .map((manifest) => manifest.kind)
    .filter((kind) => !known.has(kind))
    .join(', ');
}

/** The groups of a component's rules.yaml as the operator takes them. @param app that they watch */
function toPrometheusRule(component: string, app: string): string {
  const { groups } = parse(readFileSync(join(ROOT, 'kustomize/components', component, 'rules.yaml'), 'utf8'));
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: `${app}-rules`, labels: { 'app.kubernetes.io/name': app } },
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
      for (const manifest of render(join(ROOT, 'kustomize/overlays', overlay))) {
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
