import type { Command, GivenArguments } from '../cli/command.ts';
import { EXIT_CODES, type Exit } from '../cli/exit-code.ts';
import { readInput } from '../cli/input-file.ts';
import {
  group,
  type Options,
  type OptionValues,
  optional,
  refine,
  repeatable,
  text,
  toFlag,
  toggle,
} from '../cli/option.ts';
import { prepareOutput, toWrittenExit, writeOutput } from '../cli/output-file.ts';
import { VERSION } from '../cli/version.ts';
import type { World } from '../cli/world.ts';
import type { Api } from '../kube/api.ts';
import type { Cluster } from '../kube/cluster.ts';
import { Field } from '../kube/field.ts';
import type { Permission } from '../kube/permission.ts';
import { findBodyFiles, toBodyPath } from '../load/request-file.ts';
import { createLineLog } from '../report/line-log.ts';
import type { ErrandFile } from '../runner/errand-file.ts';
import { runErrand } from '../runner/launch.ts';
import { INPUT_FOLDER, REPORT_FOLDER, SUMMARY } from '../runner/runner-objects.ts';
import { chooseNodes, parseVantage, type Vantage } from '../runner/vantage.ts';

/** Where a release's image is. */
const RUNNER_REPOSITORY = 'ghcr.io/dropless/dropless';
const STANDARD_STREAM = '-';

/** The flags of a command that can be carried out in a pod. */
export const IN_CLUSTER_OPTIONS = group('In the cluster', {
  'in-cluster': toggle(
    'Carry this out in a pod beside the target, fetch the reports, and remove the pod: for a target that cannot be reached from here',
  ),
  'runner-image': refine(
    optional(text('IMAGE', 'Image of that pod, of the same version'), `${RUNNER_REPOSITORY}:${VERSION}`),
    { needs: ['--in-cluster'] },
  ),
  from: refine(
    repeatable({
      placeholder: 'VANTAGE',
      help: 'Send the load from a node, node/NAME, or a part of it from each-node: one plan, whose parts are merged exactly',
      parse: parseVantage,
    }),
    { needs: ['--in-cluster'] },
  ),
});

/** Flags that say where a command is carried out: the pod needs none of them. */
const HERE = [...Object.keys(IN_CLUSTER_OPTIONS), 'context', 'kubeconfig', 'namespace'];

interface Undertaken {
  readonly command: Command;
  readonly given: GivenArguments;
  readonly choice: OptionValues<typeof IN_CLUSTER_OPTIONS>;
  /** What the command calls in its target's namespace; none: it has no target there. */
  readonly permissions: readonly Permission[];
}

/**
 * Carries the command out in a pod of that namespace: what it writes comes out here as it does there, and its reports are written here.
 * @throws {Fault} where an input cannot be read, or the pod cannot be had
 */
export async function runInCluster(
  { api, namespace }: Cluster,
  { command, given, choice, permissions }: Undertaken,
  world: World,
): Promise<Exit> {
  const { args, inputs, outputs } = toErrandArguments(command.options, given, [
    command.name,
    ...(permissions.length > 0 ? [`--namespace=${namespace}`] : []),
  ]);
  const files = await readErrandFiles(inputs, world);
  for (const [flag, path] of outputs) {
    if (path !== STANDARD_STREAM) await prepareOutput(toFlag(flag), path, world);
  }
  // A report on standard output is alone there.
  const isOutputTaken = [...outputs.values()].includes(STANDARD_STREAM);
  const streams = { stdout: isOutputTaken ? world.stderr : world.stdout, stderr: world.stderr };
  const summary = world.env.GITHUB_STEP_SUMMARY ?? '';
  const appended = new Map(
    [...outputs].map(([flag, path]) => [flag, createLineLog(toFlag(flag), path, world)]),
  );
  if (summary !== '') appended.set(SUMMARY, createLineLog('GITHUB_STEP_SUMMARY', summary, world));
  let hasGrown = false;
  const { exitCode, reports, hasGap } = await runErrand(
    {
      api,
      namespace,
      image: choice['runner-image'] ?? `${RUNNER_REPOSITORY}:${VERSION}`,
      nodes: await readNodes(api, choice.from),
      task: { version: VERSION, args, hasSummary: summary !== '' },
      files,
      permissions,
    },
    {
      onMessage: ({ stream, text: written }) => {
        if (stream === 'stdout' || stream === 'stderr') streams[stream].write(written);
        else {
          hasGrown = true;
          appended.get(stream.slice('report:'.length))?.write(written);
        }
      },
      tell: (step) => world.stderr.write(`${step}\n`),
      interrupted: world.interrupted,
      nowMs: world.nowMs,
    },
  );
  const kept = await Promise.all([...appended.values()].map((log) => log.close()));
  // A report that grew has come by the log.
  let isKept = kept.every((each) => each) && !(hasGap && hasGrown);
  for (const [flag, path] of outputs) {
    const report = reports.get(flag);
    if (report === undefined) continue;
    if (path === STANDARD_STREAM) world.stdout.write(report);
    else if (!(await writeOutput(toFlag(flag), path, report, world))) isKept = false;
  }
  return toWrittenExit(toExit(exitCode), isKept);
}

/**
 * The files behind flags, and those that they name in turn.
 * @param inputs paths by flag
 * @throws {Fault} where one cannot be read
 */
export async function readErrandFiles(
  inputs: ReadonlyMap<string, string>,
  world: Pick<World, 'readText'>,
): Promise<readonly ErrandFile[]> {
  const read = async (given: string, path: string) =>
    Buffer.from(await readInput(given, path, world, 'latin1'), 'latin1');
  const files: ErrandFile[] = [];
  for (const [flag, path] of inputs) {
    const podPath = toPodPath(flag);
    const bytes = await read(toFlag(flag), path);
    files.push({ given: `${toFlag(flag)} ${JSON.stringify(path)}`, key: flag, path: podPath, bytes });
    if (flag !== 'requests') continue;
    for (const [index, bodyFile] of findBodyFiles(bytes.toString()).entries()) {
      const given = `bodyFile ${JSON.stringify(bodyFile)} of ${toFlag(flag)} ${JSON.stringify(path)}`;
      const body = await read(given, toBodyPath(bodyFile, path));
      files.push({ given, key: `body-${index}`, path: toBodyPath(bodyFile, podPath), bytes: body });
    }
  }
  return files;
}

function toPodPath(flag: string): string {
  return `${INPUT_FOLDER}/${flag}`;
}

async function readNodes(api: Api, from: readonly Vantage[]): Promise<readonly string[]> {
  if (from.length === 0) return [];
  return chooseNodes(new Field(await api.get('/api/v1/nodes')).get('items').items(), from);
}

function toExit(exitCode: number): Exit {
  const exits = Object.keys(EXIT_CODES) as Exit[];
  return exits.find((exit) => EXIT_CODES[exit].code === exitCode) ?? 'inconclusive';
}

/** A command line as a pod is given it, and the files that go there and come back, by flag. */
export interface ErrandArguments {
  readonly args: readonly string[];
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * The command line for the pod: without what says where it is carried out, and with each file where the pod has it.
 * Pure.
 *
 * `rollout deploy/web --rate 50 --html out.html --in-cluster` after `prove --namespace=shop` →
 * `prove --namespace=shop rollout deploy/web --rate=50 --html=/runner/reports/html`.
 *
 * @param beginning what comes first: the command, and what is not given here but there
 */
export function toErrandArguments(
  options: Options,
  { flags, words }: GivenArguments,
  beginning: readonly string[],
): ErrandArguments {
  const inputs = new Map<string, string>();
  const outputs = new Map<string, string>();
  const args: string[] = [...beginning, ...words];
  for (const [flag, texts] of flags) {
    const option = options[flag];
    if (option === undefined || HERE.includes(flag)) continue;
    for (const text of texts) {
      if (option.placeholder === null) args.push(toFlag(flag));
      else if (option.file === null) args.push(`${toFlag(flag)}=${text}`);
      else {
        (option.file === 'input' ? inputs : outputs).set(flag, text);
        args.push(
          `${toFlag(flag)}=${option.file === 'input' ? toPodPath(flag) : `${REPORT_FOLDER}/${flag}`}`,
        );
      }
    }
  }
  return { args, inputs, outputs };
}
