/**
 * The node for one more pod: of those that take pods the one with the fewest, the first of equals; where none takes
 * pods, the first of all.
 * @param nodes not empty
 * @param taken the node of each pod that there is
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
