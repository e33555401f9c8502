import { type Command, defineCommand } from '../cli/command.ts';
import type { Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import { choice, group, optional, refine, repeatable, withDefault } from '../cli/option.ts';
import type { Positionals } from '../cli/positionals.ts';
import { parseObjectName, requireType } from '../kube/object-name.ts';
import type { WorkloadName } from '../kube/workload-kind.ts';
import type { Host } from '../lint/host.ts';
import { readCluster, readManifests } from '../lint/input.ts';
import {
  countSeverities,
  formatAnnotations,
  formatJson,
  formatLintMarkdown,
  formatSarif,
  formatText,
  type LintReport,
} from '../lint/report.ts';
import { runRules, SEVERITIES, type Severity } from '../lint/rule.ts';
import { LINT_RULES } from '../lint/rules.ts';
import { createInventory, type Inventory, isWorkload } from '../lint/workload.ts';
import { appendStepSummary } from '../report/step-summary.ts';
import { toClusterOptions } from './cluster-options.ts';

const FORMATS = {
  text: formatText,
  json: formatJson,
  sarif: formatSarif,
  github: formatAnnotations,
} as const;

const kubeVersion = {
  placeholder: '1.N',
  help: 'Version of Kubernetes that the manifests are for',
  parse: (given: string): number => {
    const [, minor] = /^v?1\.(\d+)(\.\d+)?$/.exec(given) ?? [];
    if (minor === undefined) throw new Fault('must be a version of Kubernetes, for example 1.30');
    return Number(minor);
  },
};

const ruleId = {
  placeholder: 'RULE',
  help: 'Disable a rule; an annotation does so for one object (docs/lint.md)',
  parse: (given: string): string => {
    if (!LINT_RULES.some(({ id }) => id === given))
      throw new Fault('is not a rule; docs/lint-rules.md lists them all');
    return given;
  },
};

const TARGET = 'TYPE/NAME';

interface Subject {
  /** Of a cluster; null: files are linted. */
  readonly workload: WorkloadName | null;
  readonly paths: readonly string[];
}

/** `deploy/web` is a live Deployment; `./deploy/web`, `deploy/` and everything else are paths. */
const POSITIONALS: Positionals<Subject> = {
  placeholder: `PATH...|${TARGET}`,
  parse: (words) => {
    const targets = words.map(parseObjectName).filter((target) => target !== null);
    const [target] = targets;
    if (words.length === 0) {
      throw new Fault(
        'what to lint? Name files, directories, - for standard input, or a live target, for example deploy/web',
      );
    }
    if (target === undefined) return { workload: null, paths: words };
    if (words.length > 1) {
      throw new Fault(
        `${target.type} ${target.name} must be the only argument: leave the others out, or start a path with ./`,
      );
    }
    const { type, name } = requireType(target, ['Deployment', 'StatefulSet', 'DaemonSet'], 'linted');
    return { workload: { kind: type, name }, paths: [] };
  },
  toNames: ({ workload, paths }) => (workload === null ? paths : [TARGET]),
};

export function createLintCommand(host: Host): Command {
  return defineCommand({
    name: 'lint',
    summary: 'find what in Kubernetes manifests would lose requests',
    positionals: POSITIONALS,
    words: [
      ['PATH', 'a file, a directory, or a kustomization; - is standard input'],
      [
        TARGET,
        'a live Deployment, StatefulSet or DaemonSet and the objects around it, for example deploy/web',
      ],
    ],
    options: {
      ...toClusterOptions(TARGET),
      ...group('Rules', {
        'kube-version': optional(kubeVersion, 'for a live target, the version of the cluster'),
        ignore: repeatable(ruleId),
        'fail-on': withDefault('error', choice('The lowest severity that makes the exit code 1', SEVERITIES)),
      }),
      ...group('Reports', {
        output: refine(
          withDefault('text', choice('Format of the report', ['text', 'json', 'sarif', 'github'])),
          {
            short: 'o',
          },
        ),
      }),
    },
    retired: {
      deployment: 'name the target as kubectl does, for example dropless lint deploy/web',
      format: 'use -o, --output',
    },
    examples: [
      { line: 'dropless lint kustomize/overlays/prod', shows: 'what a kustomize directory renders to' },
      { line: 'helm template . | dropless lint -', shows: 'a chart, from standard input' },
      { line: 'dropless lint deploy/web -n shop', shows: 'what runs in the cluster' },
      { line: 'dropless lint deploy/ -o sarif > lint.sarif', shows: 'for code scanning' },
      { line: 'dropless lint deploy/ -o github', shows: 'as annotations of a pull request' },
    ],
    run: async ({ options, positionals }, world) => {
      const { workload, paths } = positionals;
      const given =
        workload === null
          ? { inventory: createInventory(await readManifests(paths, world, host)), unseen: [] }
          : await readCluster({ ...options, workload }, host);
      const inventory = {
        ...given.inventory,
        kubeMinor: options['kube-version'] ?? given.inventory.kubeMinor,
      };
      if (inventory.workloads.length === 0) {
        world.stderr.write(`${world.program}: nothing to lint: ${describeEmpty(inventory)}\n`);
        return 'inconclusive';
      }

      const rules = LINT_RULES.filter(({ id }) => !options.ignore.includes(id));
      const report = { inventory, rules, diagnoses: runRules(rules, inventory), unseen: given.unseen };
      world.stdout.write(FORMATS[options.output](report));
      await appendStepSummary(() => formatLintMarkdown(report), world);
      return toExit(report, options['fail-on']);
    },
  });
}

/** Findings at least as severe as the level fail the run; ignored ones do not. */
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
