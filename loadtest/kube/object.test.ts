import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { Field, formatPath } from './field.ts';
import { parseManifests } from './object.ts';

const TWO = `# a comment
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ports:
    - name: http
      port: 80
---
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web }
    spec:
      paused: on
---
# nothing here
---
just: a map
`;

describe('parseManifests()', () => {
  test('returns the objects of every document and List, and leaves out what is none', () => {
    const objects = parseManifests(TWO, 'two.yaml');
    assert.deepEqual(
      objects.map(({ kind, name, namespace }) => [kind, name, namespace]),
      [
        ['Service', 'web', 'shop'],
        ['Deployment', 'web', ''],
      ],
    );
    assert.ok(objects[1]?.root.get('spec', 'paused').isTrue(), 'YAML 1.1, as kubectl reads it');
  });

  test('locates fields, and absent ones at the nearest field around them', () => {
    const [service, deployment] = parseManifests(TWO, 'two.yaml');
    const line = (object: typeof service, ...path: (string | number)[]) =>
      object?.locate(object.root.get(...path))?.line;
    assert.equal(line(service, 'spec', 'ports', 0, 'port'), 10);
    assert.equal(line(service, 'spec', 'ports', 0, 'targetPort'), 9);
    assert.equal(line(service), 2);
    assert.equal(line(deployment, 'spec', 'paused'), 19);
    assert.equal(line(deployment, 'spec', 'template', 'spec'), 18);
    assert.deepEqual(service?.locate(service.root.get('metadata', 'name')), { line: 5, column: 3 });
    const [rendered] = parseManifests(TWO, 'overlay', true);
    assert.equal(rendered?.locate(rendered.root), undefined);
  });

  test('reads JSON', () => {
    assert.equal(parseManifests('{"apiVersion": "v1", "kind": "Pod"}', 'pod.json')[0]?.kind, 'Pod');
  });

  test('finds nothing in an empty text', () => {
    assert.deepEqual(parseManifests('', 'empty'), []);
  });

  test('answers text that is no YAML with the place', () => {
    assert.throws(
      () => parseManifests('a: 1\nb: [1, 2\n', 'broken.yaml'),
      (error) => error instanceof Fault && /^broken\.yaml:3:1: /.test(error.message),
    );
  });

  test('says of a template how to render it', () => {
    assert.throws(
      () => parseManifests('kind: Service\nmetadata:\n  {{- include "labels" . | nindent 4 }}\n', 'web.yaml'),
      (error) => error instanceof Fault && /^web\.yaml:.* \(a template\? helm template /.test(error.message),
    );
  });

  test('answers an alias bomb with an error, not with all the memory', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
      .concat([...'bcdefgh'].map((key, i) => `${key}: &${key} [${`*${'abcdefgh'[i]}, `.repeat(9)}]`))
      .join('\n');
    assert.throws(() => parseManifests(bomb, 'bomb.yaml'), Fault);
  });
});

describe('Field', () => {
  test('reads what is absent, null or of another type as nothing', () => {
    const root = new Field({ text: 'a', list: [1], map: { key: 'value', other: 1 }, none: null });
    assert.equal(root.get('absent', 'deeper', 0).exists, false);
    assert.equal(root.get('none').exists, false);
    assert.equal(root.get('text', 'length').exists, false);
    assert.equal(root.get('toString').exists, false);
    assert.equal(root.get('list').text(), undefined);
    assert.equal(root.get('text').number(), undefined);
    assert.deepEqual(root.get('map').items(), []);
    assert.deepEqual(root.get('list').entries(), []);
    assert.deepEqual([...root.get('map').texts()], [['key', 'value']]);
  });

  test('knows its path', () => {
    const root = new Field({ spec: { containers: [{ image: 'a' }] } });
    const [container = root] = root.get('spec', 'containers').items();
    assert.equal(formatPath(container.get('image').path), 'spec.containers[0].image');
    assert.equal(formatPath(['metadata', 'annotations', 'a.b/c']), 'metadata.annotations["a.b/c"]');
    assert.equal(formatPath([]), '');
  });
});
