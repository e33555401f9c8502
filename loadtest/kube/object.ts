import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { Fault } from '../cli/fault.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';

interface Position {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** One Kubernetes object of the input. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Empty where the manifest leaves it to `kubectl apply`. */
  readonly namespace: string;
  readonly root: Field;
  /** As the user named it: a file, `-`, a kustomize directory, a cluster. */
  readonly source: string;
  /** Where in the source the field stands, or the nearest one around it; undefined for what was rendered. */
  locate(field: Field): Position | undefined;
}

/** Aliases in one document; more is a bomb, not a manifest. */
const MAX_ALIASES = 100;

/**
 * Every object in YAML or JSON text: many documents, and the items of Lists. Documents that are no objects of
 * Kubernetes (without kind and apiVersion) are left out.
 *
 * YAML 1.1, because that is what kubectl reads: `on` is true there.
 *
 * @throws {Fault} where the text is no YAML
 */
export function parseManifests(text: string, source: string, isRendered = false): KubeObject[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { version: '1.1', lineCounter: lines });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) {
      const { line, col } = lines.linePos(fault.pos[0]);
      const [summary = 'no YAML'] = fault.message.split('\n');
      const hint = text.includes('{{') ? ' (a template? helm template . | dropless lint -)' : '';
      throw new Fault(
        `${source}:${line}:${col}: ${summary.replace(/ at line \d+, column \d+:?$/, '')}${hint}`,
      );
    }

    const locate = (field: Field): Position | undefined => {
      if (isRendered) return undefined;
      for (let depth = field.path.length; depth >= 0; depth--) {
        const offset = nodeOffset(document, field.path.slice(0, depth));
        if (offset !== undefined) {
          const { line, col } = lines.linePos(offset);
          return { line, column: col };
        }
      }
      return undefined;
    };
    return toObjects(new Field(toValue(document, source)), source, locate);
  });
}

/** Where a field begins: at its key in a map, at itself in a list. */
function nodeOffset(document: Document, path: Field['path']): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => (isScalar(key) ? String(key.value) : undefined) === String(path.at(-1)))
    : undefined;
  const node = path.length > 0 && pair !== undefined ? pair.key : document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

function toValue(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new Fault(`${source}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function toObjects(root: Field, source: string, locate: KubeObject['locate']): KubeObject[] {
  const kind = root.get('kind').text();
  const apiVersion = root.get('apiVersion').text();
  if (kind === undefined || apiVersion === undefined) return [];
  if (kind === 'List') {
    return root
      .get('items')
      .items()
      .flatMap((item) => {
        // Paths inside an item start at the item, so that they name the object's fields.
        const locateInList = (field: Field) => locate(new Field(field.value, [...item.path, ...field.path]));
        return toObjects(new Field(item.value), source, locateInList);
      });
  }
  return [toObject(root, kind, apiVersion, source, locate)];
}

function toObject(
  root: Field,
  kind: string,
  apiVersion: string,
  source: string,
  locate: KubeObject['locate'] = () => undefined,
): KubeObject {
  const namespace = root.get('metadata', 'namespace').text() ?? '';
  return { apiVersion, kind, name: nameOf(root), namespace, root, source, locate };
}

/** The object that the API answers a `get` with. */
export function toLiveObject(object: Json, source = 'cluster'): KubeObject {
  const root = new Field(object);
  return toObject(root, root.get('kind').text() ?? '', root.get('apiVersion').text() ?? '', source);
}

/**
 * The objects of a list as the API answers it: its items do not tell their kind.
 *
 * @param kind of the items
 */
export function toListItems(list: Json, kind: string, source = 'cluster'): KubeObject[] {
  const root = new Field(list);
  const apiVersion = root.get('apiVersion').text() ?? '';
  const items = root.get('items').items();
  return items.map(({ value }) => toObject(new Field(value), kind, apiVersion, source));
}

/** Empty where it has none. */
export function nameOf(object: Field): string {
  return object.get('metadata', 'name').text() ?? '';
}
