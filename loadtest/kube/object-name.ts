import { Fault } from '../cli/fault.ts';
import { WORKLOADS } from './workload-kind.ts';

/** What `TYPE/NAME` may name, with the words that kubectl takes for it and its API group. */
const TYPES = {
  ...WORKLOADS,
  Service: { words: ['svc', 'service', 'services'], group: '' },
  Pod: { words: ['po', 'pod', 'pods'], group: '' },
} as const satisfies Record<string, { words: readonly string[]; group: string }>;

export type ObjectType = keyof typeof TYPES;

/** An object of a cluster, as kubectl's TYPE/NAME names it. */
export interface ObjectName {
  readonly type: ObjectType;
  readonly name: string;
}

/** Names of objects: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/**
 * `deploy/web`, `deployment.apps/web`, `deployments.v1.apps/web`. Pure.
 * @returns null where the text is not TYPE/NAME of a type that is known here
 */
export function parseObjectName(text: string): ObjectName | null {
  const [, given = '', name = ''] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  const [word = '', ...rest] = given.toLowerCase().split('.');
  const type = Object.entries(TYPES).find(
    ([, { words, group }]) => (words as readonly string[]).includes(word) && isGroup(rest, group),
  )?.[0];
  return type === undefined || !NAME.test(name) ? null : { type: type as ObjectType, name };
}

/** None, the group alone, or after a version: `deployments.v1.apps`. */
function isGroup(parts: readonly string[], group: string): boolean {
  const [version = ''] = parts;
  const given = (/^v\d+((alpha|beta)\d+)?$/.test(version) ? parts.slice(1) : parts).join('.');
  return given === '' || given === group;
}

/**
 * The object, which is of a type that the command takes.
 * @param verb what the command does with it, for example `linted`
 * @throws {Fault} where it is of another
 */
export function requireType<Type extends ObjectType>(
  { type, name }: ObjectName,
  wanted: readonly [Type, ...Type[]],
  verb: string,
): ObjectName & { readonly type: Type } {
  const own = wanted.find((each) => each === type);
  if (own !== undefined) return { type: own, name };
  const kinds = wanted.map((each) => `${each}s`);
  const list = kinds.length === 1 ? kinds[0] : `${kinds.slice(0, -1).join(', ')} and ${kinds.at(-1)}`;
  throw new Fault(`${type} ${name} cannot be ${verb}: ${list} can, for example ${toExample(wanted[0])}`);
}

function toExample(type: ObjectType): string {
  return `${TYPES[type].words[0]}/web`;
}
