import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toErrandArguments } from './in-cluster.ts';
import { COMMANDS } from './registry.ts';

const options = COMMANDS.find(({ name }) => name === 'prove')?.options ?? assert.fail('no prove');
const flags = (given: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(given));

describe('toErrandArguments()', () => {
  test('leaves out where the command is carried out, and names what the pod has instead', () => {
    const given = {
      words: ['rollout', 'deploy/web'],
      flags: flags({
        namespace: ['shop'],
        context: ['prod'],
        'in-cluster': [''],
        'runner-image': ['i'],
        from: ['each-node'],
        rate: ['50'],
        force: [''],
        header: ['A: 1', 'B: --2'],
        ca: ['/here/ca.pem'],
        html: ['out.html'],
        json: ['-'],
      }),
    };
    const { args, inputs, outputs } = toErrandArguments(options, given, ['prove', '--namespace=shop']);
    assert.deepEqual(args, [
      ...['prove', '--namespace=shop', 'rollout', 'deploy/web', '--rate=50', '--force'],
      ...['--header=A: 1', '--header=B: --2', '--ca=/runner/input/ca'],
      ...['--html=/runner/reports/html', '--json=/runner/reports/json'],
    ]);
    assert.deepEqual([...inputs], [['ca', '/here/ca.pem']]);
    assert.deepEqual(
      [...outputs],
      [
        ['html', 'out.html'],
        ['json', '-'],
      ],
    );
  });
});
