import { readName } from '../engine/pod-name.ts';
import { findColumns } from '../engine/template.ts';
import type { LoadSpec } from '../load/load-spec.ts';
import { fetchSample, type Sample } from '../load/reach.ts';
import type { Scene } from './scene.ts';
import { toPodTimelines } from './timeline.ts';

/** Where responses name their pod: in a field of the head, or in the body, after this text. */
export type NameField =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'body'; readonly before: string };

/** So much of what stands before a name tells it from other text. */
const MIN_CONTEXT = 3;
const MAX_CONTEXT = 24;
/** One response may name a pod by chance. */
const MIN_SAMPLES = 2;

/**
 * Finds the field whose values stand for the target's pods, in all responses that have it: a service that repeats the
 * names of another one is not believed. Heads come before bodies. Pure.
 *
 * @param identities names, UIDs and addresses of the pods that are endpoints
 */
export function findNameField(samples: readonly Sample[], identities: ReadonlySet<string>): NameField | null {
  const names = new Set(samples.flatMap(({ headers }) => Object.keys(headers)));
  const headers = [...names].flatMap((name) => {
    const values = samples.flatMap(({ headers: { [name]: value } }) => value ?? []);
    return isNaming(values, identities) ? [{ name, count: values.length }] : [];
  });
  const [header] = headers.sort((a, b) => b.count - a.count);
  if (header !== undefined) return { kind: 'header', name: header.name };

  const contexts = new Set(samples.flatMap(({ body }) => toContexts(body, identities)));
  const bodies = [...contexts].flatMap((before) => {
    const values = samples.flatMap(({ body }) =>
      body.includes(before) ? [readName(body, before) ?? ''] : [],
    );
    return isNaming(values, identities) ? [{ before, count: values.length }] : [];
  });
  const [body] = bodies.sort((a, b) => b.count - a.count);
  return body === undefined ? null : { kind: 'body', before: body.before };
}

function isNaming(values: readonly string[], identities: ReadonlySet<string>): boolean {
  return values.length >= MIN_SAMPLES && values.every((value) => identities.has(withoutPort(value)));
}

/** `10.0.0.1:8080` is `10.0.0.1`; all else stays as it is. */
export function withoutPort(text: string): string {
  return text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
}

/** What stands before the first identity of a pod, on its line. */
function toContexts(body: string, identities: ReadonlySet<string>): string[] {
  return [...identities].flatMap((identity) => {
    const at = body.indexOf(identity);
    if (at === -1) return [];
    const line =
      body
        .slice(Math.max(0, at - MAX_CONTEXT), at)
        .split('\n')
        .at(-1) ?? '';
    return line.length < MIN_CONTEXT ? [] : [line];
  });
}

/** Of each endpoint so many responses are looked through. */
const SAMPLES = 8;

/**
 * Looks for the field in a few responses of the target at rest, each on a connection of its own.
 * @param identities names, UIDs and addresses of the pods that are endpoints
 */
async function lookForNameField(spec: LoadSpec, identities: ReadonlySet<string>): Promise<NameField | null> {
  // Of the endpoints as they are: a column would have to be filled in.
  const harmless = spec.plan.endpoints.flatMap(({ method, path, headers }) =>
    method !== 'GET' || findColumns(path).length > 0
      ? []
      : [{ path, headers: { ...spec.headerFile?.headers, ...headers } }],
  );
  const samples = await Promise.all(
    harmless.flatMap((endpoint) =>
      Array.from({ length: SAMPLES }, () => fetchSample(spec.engine.target, endpoint)),
    ),
  );
  return findNameField(
    samples.filter((sample) => sample !== null),
    identities,
  );
}

/**
 * The load that knows where responses name their pod.
 * @param target at rest
 */
export async function readNames(
  spec: LoadSpec,
  target: Pick<Scene, 'events' | 'identitiesOf'>,
  tell: (step: string) => void,
): Promise<LoadSpec> {
  const serving = [...toPodTimelines(target.events).values()].filter(({ endpoint }) => endpoint.length > 0);
  const field = await lookForNameField(spec, new Set(serving.flatMap(({ pod }) => target.identitiesOf(pod))));
  tell(describeNameField(field));
  return withNameField(spec, field);
}

/** The load that reads the names of pods where they were found. */
function withNameField(spec: LoadSpec, field: NameField | null): LoadSpec {
  if (field === null) return spec;
  const named = field.kind === 'header' ? { podHeader: field.name } : { podText: field.before };
  return { ...spec, engine: { ...spec.engine, ...named } };
}

/** `the header x-served-by`, or `the body, after "hostname":"`. */
function describeNameField(field: NameField | null): string {
  if (field === null) return 'responses name no pod: pods are inferred';
  return field.kind === 'header'
    ? `responses name their pod in the header ${field.name}`
    : `responses name their pod in the body, after ${field.before.trim()}`;
}
