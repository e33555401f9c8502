import { Fault } from '../cli/fault.ts';
import { Field } from '../kube/field.ts';
import { at, isObject, listAt, parseJson, textAt } from '../kube/json.ts';

/** What a runner is to do. */
export interface RunnerTask {
  /** Of the caller's program: the runner's must be the same. */
  readonly version: string;
  /** What follows the program's name. */
  readonly args: readonly string[];
  /** Has the caller a job of GitHub Actions, to whose summary the command adds? */
  readonly hasSummary: boolean;
  /** Where the command looks for each file that came along, with its name in `INPUT_FOLDER`. */
  readonly files: Readonly<Record<string, string>>;
  /** Pods that send the load, each from its node; none: the runner itself. */
  readonly senders: readonly SenderPod[];
}

export interface SenderPod {
  readonly pod: string;
  readonly node: string;
}

/** @throws {Fault} where the text is none, or from another version */
export function parseRunnerTask(text: string, version: string): RunnerTask {
  const parsed = parseJson(text);
  const given = textAt(parsed, 'version');
  const args: unknown = isObject(parsed) ? parsed.args : null;
  if (given === null || !Array.isArray(args)) throw new Fault('the task of the runner cannot be read');
  if (given !== version) {
    throw new Fault(
      `the runner is dropless ${version}, and its caller ${given}: give --runner-image that of the caller`,
    );
  }
  const senders = listAt(parsed, 'senders').map((each) => ({
    pod: textAt(each, 'pod') ?? '',
    node: textAt(each, 'node') ?? '',
  }));
  const files = Object.fromEntries(new Field(at(parsed, 'files')).texts());
  return { version, args: args.map(String), hasSummary: at(parsed, 'hasSummary') === true, files, senders };
}
