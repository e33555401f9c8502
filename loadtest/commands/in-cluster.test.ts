import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readErrandFiles, toErrandArguments } from './in-cluster.ts';
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

describe('readErrandFiles()', () => {
  const contents: Readonly<Record<string, string>> = {
    'load/requests.jsonl': '{"path":"/","bodyFile":"b.bin"}\n{"path":"/2","bodyFile":"../up"}\n',
    'load/b.bin': '\xff\x00',
    up: 'up',
    'é.csv': 'id\n\xc3\xa9\n',
  };
  const world = {
    readText: async (path: string, encoding: BufferEncoding = 'utf8') =>
      path in contents
        ? Buffer.from(contents[path] ?? '', 'latin1').toString(encoding)
        : Promise.reject(new Error('no such file')),
  };

  test('takes along what a request file names, for where the pod looks for it', async () => {
    const inputs = new Map([
      ['requests', 'load/requests.jsonl'],
      ['data', 'é.csv'],
    ]);
    const files = await readErrandFiles(inputs, world);
    assert.deepEqual(
      files.map(({ given, key, path, bytes }) => [given, key, path, bytes.toString('latin1')]),
      [
        [
          '--requests "load/requests.jsonl"',
          'requests',
          '/runner/input/requests',
          contents['load/requests.jsonl'],
        ],
        ['bodyFile "b.bin" of --requests "load/requests.jsonl"', 'body-0', '/runner/input/b.bin', '\xff\x00'],
        ['bodyFile "../up" of --requests "load/requests.jsonl"', 'body-1', '/runner/up', 'up'],
        ['--data "é.csv"', 'data', '/runner/input/data', 'id\n\xc3\xa9\n'],
      ],
    );
  });

  test('names a file that cannot be read', async () => {
    await assert.rejects(
      readErrandFiles(new Map([['ca', 'none.pem']]), world),
      /--ca "none.pem" can't be read: no such file/,
    );
  });
});
