import { type Command, defineCommand } from '../cli/command.ts';
import type { Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import { choice, optional, repeatable, text, withDefault } from '../cli/option.ts';
import type { Host } from '../lint/host.ts';
import { readCluster, readManifests } from '../lint/input.ts';
import { countSeverities, formatJson, formatSarif, formatText, type LintReport } from '../lint/report.ts';
import { runRules, SEVERITIES, type Severity } from '../lint/rule.ts';
import { LINT_RULES } from '../lint/rules.ts';
import { createInventory, type Inventory, isWorkload } from '../lint/workload.ts';

const FORMATS = { text: formatText, json: formatJson, sarif: formatSarif } as const;

const kubeVersion = {
  placeholder: '1.N',
  help: 'The Kubernetes that the manifests are for; a live Deployment’s own is asked',
  parse: (given: string): number => {
    const [, minor] = /^v?1\.(\d+)(\.\d+)?$/.exec(given) ?? [];
    if (minor === undefined) throw new Fault('must be a version of Kubernetes, as 1.30');
    return Number(minor);
  },
};

const ruleId = {
  placeholder: 'RULE',
  help: 'Leave a rule out; an annotation does it for one object (docs/lint.md)',
  parse: (given: string): string => {
    if (!LINT_RULES.some(({ id }) => id === given))
      throw new Fault('is no rule; docs/lint-rules.md lists them');
    return given;
  },
};

export function createLintCommand(host: Host): Command {
  return defineCommand({
    name: 'lint',
    summary: 'say what in Kubernetes manifests would lose requests',
    positionals: { placeholder: 'PATH...', min: 0, max: 1_000 },
    options: {
      deployment: optional(
        text('NAME', 'Lint a Deployment of a cluster, with what bears on it, instead of files'),
      ),
      namespace: optional(text('NAME', 'Of the Deployment; else that of the context')),
      context: optional(text('NAME', 'Of the kubeconfig; else the current one')),
      'kube-version': optional(kubeVersion),
      ignore: repeatable(ruleId),
      'fail-on': withDefault('error', choice('The mildest finding that makes the exit code 1', SEVERITIES)),
      format: withDefault('text', choice('Of the report', ['text', 'json', 'sarif'])),
    },
    examples: [
      { line: 'dropless lint kustomize/overlays/prod', shows: 'what a kustomize directory renders to' },
      { line: 'helm template . | dropless lint -', shows: 'a chart, from standard input' },
      { line: 'dropless lint --deployment web --namespace shop', shows: 'what runs in the cluster' },
      { line: 'dropless lint deploy/ --format sarif > lint.sarif', shows: 'for code scanning' },
    ],
    run: async ({ options, positionals }, world) => {
      const { deployment, namespace, context } = options;
      if ((deployment === undefined) === (positionals.length === 0)) {
        throw new Fault('name files, directories or - for standard input, or else a --deployment');
      }
      if (deployment === undefined && (namespace ?? context) !== undefined) {
        throw new Fault('--namespace and --context go with --deployment');
      }
      const given =
        deployment === undefined
          ? { inventory: createInventory(await readManifests(positionals, world, host)), unseen: [] }
          : await readCluster({ deployment, namespace, context }, host);
      const inventory = {
        ...given.inventory,
        kubeMinor: options['kube-version'] ?? given.inventory.kubeMinor,
      };
      if (inventory.workloads.length === 0) {
        world.stderr.write(`dropless: nothing to lint: ${describeEmpty(inventory)}\n`);
        return 'inconclusive';
      }

      const rules = LINT_RULES.filter(({ id }) => !options.ignore.includes(id));
      const report = { inventory, rules, diagnoses: runRules(rules, inventory), unseen: given.unseen };
      world.stdout.write(FORMATS[options.format](report));
      return toExit(report, options['fail-on']);
    },
  });
}

/** The findings that are at least as severe as the level fail the run; those set aside do not. */
function toExit(report: LintReport, failOn: Severity): Exit {
  const counts = countSeverities(report);
  const failing = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1);
  return failing.some((severity) => counts[severity] > 0) ? 'failed' : 'proven';
}

function describeEmpty({ objects }: Inventory): string {
  if (objects.length === 0) return 'the input has no Kubernetes objects';
  const idle = objects.filter(isWorkload).map(({ kind, name }) => `${kind}/${name}`);
  if (idle.length > 0) return `no Service selects ${idle.join(', ')}, and no container there has ports`;
  const kinds = [...new Set(objects.map(({ kind }) => kind))].sort().join(', ');
  return `no Deployment, StatefulSet or DaemonSet among ${objects.length} objects (${kinds})`;
}
