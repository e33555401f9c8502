import { Fault } from '../cli/fault.ts';
import { isReady } from '../kube/conditions.ts';
import type { Field } from '../kube/field.ts';
import { nameOf } from '../kube/object.ts';

/** Where a load is sent from. */
export type Vantage = { readonly kind: 'each-node' } | { readonly kind: 'node'; readonly name: string };

/** @throws {Fault} where the text is neither `node/NAME` nor `each-node` */
export function parseVantage(text: string): Vantage {
  if (text === 'each-node') return { kind: 'each-node' };
  const [, name] = /^node\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? [];
  if (name === undefined) throw new Fault('must be node/NAME or each-node');
  return { kind: 'node', name };
}

/**
 * The nodes to send from, by name. Each node is: ready, of Linux, and takes pods that tolerate nothing.
 * @throws {Fault} where a named node is not there or takes no pod, or none is left
 */
export function chooseNodes(nodes: readonly Field[], from: readonly Vantage[]): readonly string[] {
  const fit = nodes.filter(takesPods).map(nameOf);
  const chosen = from.flatMap((vantage) => {
    if (vantage.kind === 'each-node') return fit;
    if (fit.includes(vantage.name)) return [vantage.name];
    const isThere = nodes.some((node) => nameOf(node) === vantage.name);
    throw new Fault(
      `--from node/${vantage.name}: ${isThere ? 'that node takes no pods now' : 'there is no such node'}; those that take pods are ${fit.join(', ')}`,
    );
  });
  if (from.length > 0 && chosen.length === 0) throw new Fault('--from: no node takes pods now');
  return [...new Set(chosen)];
}

function takesPods(node: Field): boolean {
  const isClosed = node
    .get('spec', 'taints')
    .items()
    .some((taint) => ['NoSchedule', 'NoExecute'].includes(taint.get('effect').text() ?? ''));
  // The image is for Linux.
  const os = node.get('metadata', 'labels').texts().get('kubernetes.io/os') ?? 'linux';
  return os === 'linux' && isReady(node) && !node.get('spec', 'unschedulable').isTrue() && !isClosed;
}
