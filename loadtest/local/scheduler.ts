/**
 * The node for one more pod: the schedulable node with the fewest pods, the first if several tie; if none is
 * schedulable, the first of all.
 * @param nodes not empty
 * @param taken the node of each existing pod
 */
export function chooseNode(
  nodes: readonly [string, ...string[]],
  cordoned: ReadonlySet<string>,
  taken: readonly string[],
): string {
  const load = (node: string) => taken.filter((name) => name === node).length;
  const [node = nodes[0]] = nodes.filter((name) => !cordoned.has(name)).sort((a, b) => load(a) - load(b));
  return node;
}
