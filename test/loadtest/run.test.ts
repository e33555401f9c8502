import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseReport } from '../../loadtest/report/report.ts';
import { toFindings } from '../../loadtest/report/summary.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../fixtures/certificate.ts';
import { TOOLS, testWith } from '../tools.ts';
import {
  createBinary,
  createPrograms,
  listen,
  type Program,
  SOURCES,
  start,
  startInTerminal,
  type Target,
  toShellLine,
} from './command-line.ts';

/** No request but the planned ones, so that both sides must count the same. */
const EXACT = '--no-server-metrics';
const { programs, directory, remove } = createPrograms();
const { alone } = createBinary(directory);
const fileOf = (name: string) => join(directory, name);
const readReport = (name: string) => parseReport(readFileSync(fileOf(name), 'utf8'), name);
const call = (program: Program, ...args: string[]) => start(program, args).ended;

after(remove);

for (const program of [...programs, alone]) {
  describe(`dropless on ${program.name}`, () => {
    let target: Target;
    before(async () => {
      target = await listen();
    });
    after(() => target.close());

    test('counts what the server counts, writes both reports, and exits 0', async () => {
      const before = target.received;
      const secret = ['--header', 'Authorization: Bearer s3cret'];
      const files = [...secret, '--json', fileOf('a.json'), '--html', fileOf('a.html')];
      const ending = await call(
        program,
        'run',
        target.url,
        '--rate',
        '200',
        '--count',
        '300',
        '--require',
        'lost == 0',
        EXACT,
        ...files,
      );
      for (const name of ['a.json', 'a.html'])
        assert.doesNotMatch(readFileSync(fileOf(name), 'utf8'), /s3cret/);
      const { record, runtime } = readReport('a.json');
      assert.equal(target.received - before, 300);
      assert.deepEqual([record.planned, record.sent, record.settled], [300, 300, 300]);
      assert.match(runtime, program.name.startsWith('Node') ? /^node / : /^bun /);
      assert.match(ending.stdout, /^Endpoint +RequestCount +TotalDuration\(ms\) +AverageLatency\(ms\)\n/);
      assert.match(readFileSync(fileOf('a.html'), 'utf8'), /^<!doctype html>/);
      assert.equal(ending.stderr, '', 'a pipe is no terminal');
      assert.equal(toFindings(readReport('a.json')).verdict.kind, 'clean', ending.stdout);
      assert.equal(ending.code, 0);
    });

    test('carries out a closed loop to its number of requests', async () => {
      const before = target.received;
      const ending = await call(program, 'run', `${target.url}/x`, '--closed', '4', '--count', '500', EXACT);
      assert.equal(target.received - before, 500);
      assert.match(ending.stdout, /^\/x +500 /m);
    });

    test('does not mind a reader that has seen enough', async () => {
      const line = toShellLine([...program.argv, 'run', target.url, '--rate', '100', '--count', '20', EXACT]);
      const shell = { name: 'a shell', argv: ['bash'] } as const;
      const { stdout, stderr } = await start(shell, ['-c', `set -o pipefail; ${line} | true; echo "exit $?"`])
        .ended;
      assert.equal(stderr, '');
      assert.equal(stdout, 'exit 0\n');
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      test(`settles the ledger and writes the reports on ${signal}, and exits 3`, async () => {
        const silent = await listen((request, response) => {
          if (request.url !== '/never') response.end('ok');
        });
        const endpoints = ['--endpoint', 'GET /ok 9', '--endpoint', 'GET /never'];
        const files = ['--json', fileOf('b.json'), '--html', fileOf('b.html')];
        const { child, ended } = start(program, [
          'run',
          silent.url,
          '--rate',
          '100',
          '--duration',
          '10m',
          EXACT,
          ...endpoints,
          ...files,
        ]);
        await silent.reach(60);
        child.kill(signal);
        const { code, stdout } = await ended;
        const { record, isInterrupted } = readReport('b.json');
        const { summary, verdict } = toFindings(readReport('b.json'));
        await silent.close();

        assert.deepEqual([code, isInterrupted], [3, true]);
        assert.equal(verdict.kind, 'interrupted', verdict.sentence);
        assert.ok(stdout.endsWith(`\n${verdict.sentence}\n${verdict.latency.sentence}\n`), stdout);
        assert.equal(record.planned, record.settled);
        assert.equal(silent.received, record.sent);
        assert.ok((summary.outcomes.unfinished ?? 0) > 0, 'requests were open');
        assert.match(readFileSync(fileOf('b.html'), 'utf8'), /Inconclusive/);
      });
    }

    test('divides one plan over shards whose merged parts are the whole', async () => {
      const before = target.received;
      const startAt = new Date(Date.now() + 3_000).toISOString();
      const parts = await Promise.all(
        ['0/3', '1/3', '2/3'].map((shard) =>
          call(
            program,
            'run',
            target.url,
            '--rate',
            '100',
            '--count',
            '200',
            EXACT,
            '--shard',
            shard,
            '--start-at',
            startAt,
            '--json',
            '-',
          ),
        ),
      );
      assert.deepEqual(
        parts.map(({ code }) => code),
        [0, 0, 0],
      );
      assert.equal(target.received - before, 200);
      const log = parts.map(({ stdout, stderr }) => `${stderr}${stdout}`).join('');

      const merged = await start(program, ['merge', '-', '--json', fileOf('c.json')], log).ended;
      const { summary, verdict } = toFindings(readReport('c.json'));
      assert.equal(summary.requests, 200);
      assert.equal(verdict.kind, 'clean', merged.stdout);

      const two = parts.slice(1).map(({ stdout }) => stdout);
      const incomplete = await start(program, ['merge', '-'], two.join('')).ended;
      assert.equal(incomplete.code, 3);
      assert.match(incomplete.stdout, /INCOMPLETE: missing 0 of the 3 parts/);
    });

    test('proves nothing at a rate that no machine gives', async () => {
      const args = [
        '--rate',
        '300000',
        '--duration',
        '1s',
        '--timeout',
        '2s',
        '--max-connections',
        '20',
        EXACT,
      ];
      const { code, stdout } = await call(program, 'run', target.url, ...args);
      assert.match(stdout, /^The load itself was late .*, so nothing is proven: .*\nGENERATOR-LIMITED: /m);
      assert.equal(code, 3);
    });

    test('tells losses from a clean run by exit code 1', async () => {
      const failing = await listen((request, response) => {
        response.statusCode = request.url === '/bad' ? 503 : 200;
        response.end();
      });
      const { code, stdout } = await call(
        program,
        'run',
        failing.url,
        '--count',
        '50',
        '--rate',
        '100',
        '--endpoint',
        'GET /bad',
        '--endpoint',
        'GET /ok',
        EXACT,
      );
      await failing.close();
      assert.equal(code, 1);
      assert.match(stdout, /\d+ of 50 requests were lost \(\d+%\): \d+ http_503\.$/m);
    });

    test('trusts the authority that it is given, and no certificate of its own accord', async () => {
      const cert = fileOf('cert.pem');
      writeFileSync(cert, TEST_CERTIFICATE);
      const secure = await listen(undefined, { key: TEST_KEY, cert: TEST_CERTIFICATE });
      const run = (...args: string[]) =>
        call(program, 'run', secure.url, '--count', '20', '--fresh', '0.5', EXACT, ...args);
      const [untrusted, trusted, insecure] = [await run(), await run('--ca', cert), await run('--insecure')];
      await secure.close();
      assert.equal(untrusted.code, 2);
      assert.match(untrusted.stderr, /its certificate is not trusted \(\w+\); see --ca\n$/);
      for (const { stdout } of [trusted, insecure]) assert.match(stdout, /^ok +20 +100%/m);
      assert.equal(secure.received, 40);
    });

    test('answers bad input with one line and exit code 2, before it sends a request', async () => {
      const { url } = target;
      const before = target.received;
      const port = Number(new URL(url).port);
      writeFileSync(fileOf('package.json'), '{}');
      const past = '2020-01-01T00:00:00Z';
      const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
        [['run'], /^URL is missing/],
        [['run', 'localhost:3000'], /"localhost:3000" is no http or https URL/],
        [['run', 'http://127.0.0.1:1'], /cannot reach 127\.0\.0\.1 on port 1: connection refused/],
        [
          ['run', 'http://no-such-host.invalid'],
          /cannot reach no-such-host\.invalid on port 80: the host name is not known/,
        ],
        [['run', `https://127.0.0.1:${port}`], new RegExp(`cannot reach 127\\.0\\.0\\.1 on port ${port}: `)],
        [['run', url, '--rps', '5'], /unknown option .--rps/],
        [['run', url, '--rate', 'fast'], /--rate "fast": must be a number/],
        [['run', url, '--closed', '1', '--rate', '5'], /--rate and --closed cannot be combined/],
        [['run', url, '--stage', '1/1s', '--duration', '5s'], /--duration and --stage cannot be combined/],
        [['run', url, '--stage', '0/1s'], /a plan without requests/],
        [
          ['run', url, '--require', 'p99 < 50'],
          /--require "p99 < 50": at character 7: expected a value such as 50ms/,
        ],
        [
          ['run', url, '--require', 'p99(/x) < 5ms'],
          /"\/x" is neither an endpoint nor a phase of this load; there are \/health, \/ready/,
        ],
        [['run', url, '--endpoint', '/x'], /--endpoint "\/x": must be 'METHOD/],
        [['run', url, '--header', 'Content-Length: 5'], /Content-Length/],
        [['run', url, '--ca', '/no/such.pem'], /--ca "\/no\/such\.pem" can't be read: .*ENOENT/],
        [
          ['run', url, '--json', '/no/such/dir.json'],
          /--json "\/no\/such\/dir\.json" can't be written: .*ENOENT/,
        ],
        [['run', url, '--html', directory], /--html .* can't be written: .*EISDIR/],
        [['run', url, '--shard', '3/3'], /--shard "3\/3": must be I\/N/],
        [['run', url, '--start-at', past], /--start-at 2020-01-01T00:00:00\.000Z has passed/],
        [['merge', '/no/such.json'], /"\/no\/such\.json" can't be read: .*ENOENT/],
        [['report', fileOf('package.json')], /package\.json is no report of this version/],
      ];
      const endings = await Promise.all(
        cases.map(([args]) => call(program, ...args, ...(args[0] === 'run' ? [EXACT] : []))),
      );
      for (const [index, [args, message]] of cases.entries()) {
        const { code, stdout, stderr } = endings[index] ?? assert.fail();
        const line = args.join(' ');
        assert.deepEqual([code, stdout], [2, ''], line);
        assert.match(stderr, /^dropless: [^\n]*\n$/, line);
        assert.match(stderr.slice('dropless: '.length), message, line);
      }
      assert.equal(target.received, before);
    });
  });
}

describe('dropless from the sources', () => {
  test('runs without a build', async () => {
    const target = await listen();
    const { stdout } = await call(
      SOURCES,
      'run',
      target.url,
      '--count',
      '20',
      '--html',
      fileOf('d.html'),
      EXACT,
    );
    await target.close();
    assert.equal(target.received, 20);
    assert.match(stdout, /^Total +20 /m);
  });
});

describe('the live line', () => {
  testWith(TOOLS.terminal)(
    'is written over and over on a terminal, in colour only where it is wanted',
    async () => {
      const target = await listen();
      const shell = (environment: string) => {
        const line = toShellLine([
          ...SOURCES.argv,
          'run',
          target.url,
          '--rate',
          '50',
          '--duration',
          '1s',
          EXACT,
        ]);
        return startInTerminal(`${environment} ${line}`).ended;
      };
      const [coloured, plain] = await Promise.all([shell('NO_COLOR='), shell('NO_COLOR=1')]);
      await target.close();
      assert.match(coloured.stdout, /\r\S*\[2K\S*\[32m +\d+% {2}\d+ of 50 requests/);
      assert.match(plain.stdout, /\r\S*\[2K +\d+% {2}\d+ of 50 requests/);
      assert.doesNotMatch(plain.stdout, /\[32m/);
    },
  );
});
