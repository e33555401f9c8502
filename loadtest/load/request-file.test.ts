import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { findBodyFiles, parseRequestFile, toBodyPath } from './request-file.ts';

const FILES: Readonly<Record<string, string>> = { 'dir/cart.json': '{"n":1}', '/etc/x': '\xff' };
const readBytes = async (path: string) =>
  FILES[path] ?? Promise.reject(new Error(`ENOENT: no such file, open '${path}'`));
const DATA = {
  columns: ['id', 'token'],
  rows: [
    ['1', 'a'],
    ['2', 'b\n'],
  ],
};
const parse = (lines: readonly string[], data: typeof DATA | null = null) =>
  parseRequestFile(lines.join('\n'), 'dir/requests.jsonl', readBytes, data);

describe('parseRequestFile()', () => {
  for (const [line, endpoint] of [
    ['{"path":"/x"}', { name: '/x' }],
    ['{"method":"POST","path":"/x","name":"add"}', { name: 'add', method: 'POST' }],
    ['{"method":"DELETE","path":"/x","weight":0.5}', { name: 'DELETE /x', method: 'DELETE', weight: 0.5 }],
    ['{"path":"/x","headers":{"A":"b"}}', { headers: { A: 'b' } }],
    ['{"path":"/x","body":"é"}', { body: '\xc3\xa9' }],
    [
      '{"path":"/x","body":{"a":"é"}}',
      { body: '{"a":"\xc3\xa9"}', headers: { 'Content-Type': 'application/json' } },
    ],
    [
      '{"path":"/x","body":[1],"headers":{"content-type":"text/x"}}',
      { body: '[1]', headers: { 'content-type': 'text/x' } },
    ],
    ['{"path":"/x","bodyFile":"cart.json"}', { body: '{"n":1}' }],
    ['{"path":"/x","bodyFile":"/etc/x"}', { body: '\xff' }],
    ['{"path":"/x","expectStatus":404}', { expectedStatus: 404 }],
    ['{"path":"/x","expectBody":"a"}', { expectBody: { kind: 'text', text: 'a' } }],
    ['{"path":"/x","expectBody":{"match":"^a"}}', { expectBody: { kind: 'match', pattern: /^a/ } }],
    [
      '{"path":"/x","expectBody":{"json":{"/a":[1]}}}',
      { expectBody: { kind: 'json', values: { '/a': [1] } } },
    ],
    ['{"path":"/x","expectEnd":"[DONE]"}', { expectEnd: '[DONE]' }],
    ['{"path":"/x","timeout":"1.5s"}', { timeoutMs: 1_500 }],
  ] as const) {
    test(line, async () => {
      const [read] = await parse(['', line, ' ']);
      assert.deepEqual(read, { name: '/x', method: 'GET', path: '/x', weight: 1, headers: {}, ...endpoint });
    });
  }

  const at = 'dir/requests.jsonl:1:';
  for (const [line, message] of [
    ['{"path":"/x"', `${at} is not JSON: `],
    ['["/x"]', `${at} is not a JSON object`],
    ['{}', `${at} path is missing: a path that starts with /`],
    ['{"path":"x"}', `${at} path "x" must start with / and hold no space`],
    ['{"path":7}', `${at} path must be a path that starts with /, but is 7`],
    ['{"path":"/x","method":"G T"}', `${at} method "G T" is not an HTTP method`],
    ['{"path":"/x","headers":{"A":1}}', `${at} headers must be an object of texts, but is {"A":1}`],
    ['{"path":"/x","headers":{"A":"s3cret\\n"}}', `${at} headers A holds a control or non-Latin-1 character`],
    ['{"path":"/x","headers":{"Content-Length":"1"}}', `${at} headers "Content-Length" is set by the engine`],
    ['{"path":"/x","body":1}', `${at} body must be a text, or an object or array`],
    ['{"path":"/x","bodyFile":"no"}', `${at} bodyFile "no" cannot be read: ENOENT`],
    ['{"path":"/x","bodyFile":"cart.json","body":""}', `${at} bodyFile cannot be combined with body`],
    ['{"path":"/x","weight":-1}', `${at} weight must be a number from 0, but is -1`],
    ['{"path":"/x","expectStatus":99}', `${at} expectStatus must be a status from 100 to 599, but is 99`],
    ['{"path":"/x","expectBody":{"match":"("}}', `${at} expectBody must be a text, {"match"`],
    ['{"path":"/x","expectBody":{"json":{"a":1}}}', `${at} expectBody must be a text, {"match"`],
    ['{"path":"/x","expectBody":{"json":{},"match":""}}', `${at} expectBody must be`],
    ['{"path":"/x","expectEnd":" "}', `${at} expectEnd must be the text with which`],
    ['{"path":"/x","method":"HEAD","expectBody":"a"}', `${at} expectBody cannot hold: a response to HEAD`],
    [
      '{"path":"/x","headers":{"accept-encoding":"gzip"},"expectEnd":"a"}',
      `${at} expectEnd cannot be read from`,
    ],
    ['{"path":"/x","timeout":5}', `${at} timeout must be a time with its unit, for example "2s", but is 5`],
    ['{"path":"/x","expectbody":"a"}', `${at} expectbody is not known: there are name, method, path,`],
    ['{"path":"/{{id}}"}', `${at} path names {{id}}, and there is no --data`],
  ] as const) {
    test(`refuses ${line}`, async () => {
      await assert.rejects(parse([line]), (error) => {
        assert.ok(error instanceof Fault && error.exit === 'usage');
        assert.equal(error.message.slice(0, message.length), message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    });
  }

  test('tells all faults at once, each with its line', async () => {
    const lines = ['{"path":"/x","weight":"a","timeout":1}', '', '{"path":"/x"}', '{"path":"/x"}', '{'];
    await assert.rejects(parse(lines), (error: Error) => {
      const places = error.message.split('\n').map((line) => /:(\d+): (\w+)/.exec(line)?.slice(1).join(' '));
      assert.deepEqual(places, ['1 weight', '1 timeout', '3 name', '4 name', '5 is']);
      return true;
    });
  });

  test('refuses a file without requests', async () => {
    await assert.rejects(parse(['', ' ']), /^Fault: dir\/requests\.jsonl holds no request/);
  });

  test('checks the columns that it names', async () => {
    await parse(['{"path":"/{{id}}","headers":{"A":"{{id}}"},"body":"{{token}}"}'], DATA);
    await assert.rejects(
      parse(['{"path":"/{{ID}}","body":{"a":"{{no}}"}}', '{"path":"/y","headers":{"A":"{{token}}"}}'], DATA),
      (error: Error) => {
        assert.equal(
          error.message,
          [
            'dir/requests.jsonl:1: path names {{ID}}: the columns are id, token',
            '  dir/requests.jsonl:1: body names {{no}}: the columns are id, token',
            '  dir/requests.jsonl:2: headers takes {{token}}, and row 2 of the data holds a control or non-Latin-1 character there',
          ].join('\n'),
        );
        return true;
      },
    );
  });
});

describe('findBodyFiles()', () => {
  test('names each once, in order, and leaves faults to others', () => {
    const lines = [
      '{"path":"/a","bodyFile":"b.bin"}',
      '',
      '{"path":"/c","body":"\\"bodyFile\\": \\"no\\""}',
      '{"path":"/d","bodyFile":"/etc/x"}',
      '{"path":"/e","bodyFile":"b.bin"}',
      '{"path":"/f","bodyFile":7}',
      '{"path":"/g"',
      '["bodyFile"]',
    ];
    assert.deepEqual(findBodyFiles(lines.join('\n')), ['b.bin', '/etc/x']);
  });
});

describe('toBodyPath()', () => {
  for (const [bodyFile, path, expected] of [
    ['b', 'r.jsonl', 'b'],
    ['b', 'dir/r.jsonl', 'dir/b'],
    ['../b', '/dir/r.jsonl', '/b'],
    ['/etc/x', 'dir/r.jsonl', '/etc/x'],
  ] as const) {
    test(`${bodyFile} of ${path} is ${expected}`, () => assert.equal(toBodyPath(bodyFile, path), expected));
  }
});
