import { readName } from '../engine/pod-name.ts';
import type { LoadSpec } from '../load/load.ts';
import { fetchSample, type Sample } from '../load/reach.ts';

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
 * Finds the field whose values are names of the target's pods, in all responses that have it: a service that repeats
 * the names of another one is not believed. Heads come before bodies. Pure.
 *
 * @param pods names of the pods that are endpoints
 */
export function findNameField(samples: readonly Sample[], pods: ReadonlySet<string>): NameField | null {
  const names = new Set(samples.flatMap(({ headers }) => Object.keys(headers)));
  const headers = [...names].flatMap((name) => {
    const values = samples.flatMap(({ headers: { [name]: value } }) => value ?? []);
    return isNaming(values, pods) ? [{ name, count: values.length }] : [];
  });
  const [header] = headers.sort((a, b) => b.count - a.count);
  if (header !== undefined) return { kind: 'header', name: header.name };

  const contexts = new Set(samples.flatMap(({ body }) => toContexts(body, pods)));
  const bodies = [...contexts].flatMap((before) => {
    const values = samples.flatMap(({ body }) =>
      body.includes(before) ? [readName(body, before) ?? ''] : [],
    );
    return isNaming(values, pods) ? [{ before, count: values.length }] : [];
  });
  const [body] = bodies.sort((a, b) => b.count - a.count);
  return body === undefined ? null : { kind: 'body', before: body.before };
}

function isNaming(values: readonly string[], pods: ReadonlySet<string>): boolean {
  return values.length >= MIN_SAMPLES && values.every((value) => pods.has(value));
}

/** What stands before the first name of a pod, on its line. */
function toContexts(body: string, pods: ReadonlySet<string>): string[] {
  return [...pods].flatMap((pod) => {
    const at = body.indexOf(pod);
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
 * @param pods names of the pods that are endpoints
 */
export async function lookForNameField(spec: LoadSpec, pods: ReadonlySet<string>): Promise<NameField | null> {
  const harmless = spec.plan.endpoints.filter(({ method }) => method === 'GET');
  const samples = await Promise.all(
    harmless.flatMap((endpoint) =>
      Array.from({ length: SAMPLES }, () => fetchSample(spec.engine.target, endpoint)),
    ),
  );
  return findNameField(
    samples.filter((sample) => sample !== null),
    pods,
  );
}

/** The load that reads the names of pods where they were found. */
export function withNameField(spec: LoadSpec, field: NameField | null): LoadSpec {
  if (field === null) return spec;
  const named = field.kind === 'header' ? { podHeader: field.name } : { podText: field.before };
  return { ...spec, engine: { ...spec.engine, ...named } };
}

/** `the header x-served-by`, or `the body, after "hostname":"`. */
export function describeNameField(field: NameField | null): string {
  if (field === null) return 'responses name no pod: pods are inferred';
  return field.kind === 'header'
    ? `responses name their pod in the header ${field.name}`
    : `responses name their pod in the body, after ${field.before.trim()}`;
}
