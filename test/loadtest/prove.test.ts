import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { onSchedule } from '../fixtures/on-schedule.ts';
import { readCommandLines } from '../fixtures/process.ts';
import { TOOLS, testWith } from '../tools.ts';
import {
  createBinary,
  createPrograms,
  type Program,
  type Running,
  SOURCES,
  start,
  startInTerminal,
  toShellLine,
} from './command-line.ts';

const { programs, directory, remove } = createPrograms();
const binary = createBinary(directory);
const running: Running[] = [];
const fault = (name: string) =>
  toShellLine([process.execPath, join(import.meta.dirname, '../faults', `${name}.ts`)]);
const json = join(directory, 'proof.json');

const OWN = ['--local', '--min-ready', '50ms', '--rate', '200', '--tail', '300ms'];
const BASE = [...OWN, '--endpoint', 'GET /'];
/** As short as a proof can be. */
const BRIEF = ['--propagation', '200ms', '--pre-stop', '400ms', '--baseline', '300ms'];
const SHORT = [...BASE, ...BRIEF];
/** As short as a proof without a hazard can be: two seconds are left after the last connection. */
const PROVABLE = BRIEF.map((word) => (word === '400ms' ? '2600ms' : word));
const SHORT_OF_OWN = [...OWN, ...PROVABLE];

after(() => {
  for (const { child } of running) child.kill('SIGKILL');
  remove();
});

function begin(args: readonly string[], program: Program = SOURCES): Running {
  const begun = start(program, ['prove', ...args]);
  running.push(begun);
  return begun;
}

async function finish({ ended }: Running) {
  const { code, stdout: out, stderr: err } = await ended;
  return { out, err, code };
}

describe('dropless prove --local', () => {
  test('exits 1 where requests are lost, and tells each with its pod, its cause and the fix', async () => {
    const { out, code } = await finish(
      begin(['rollout', ...SHORT, '--command', fault('exits-on-sigterm'), '--json', json]),
    );
    assert.equal(code, 1, out);
    assert.match(out, /^Exits on SIGTERM +\d+ .* pod-\d/m);
    assert.match(out, /#\d+ \/ {2}(closed_before_response|reset) .* pod-\d, [a-z ]+: SIGTERM ended pod-\d/);
    assert.match(out, /^Exits on SIGTERM: Handle SIGTERM/m);
    assert.match(out, /^LOST \d+ of \d[\d,]* requests\./m);
    const { schema, verdict, proofs } = JSON.parse(readFileSync(json, 'utf8'));
    assert.equal(schema, 'dropless.proof/4');
    assert.equal(verdict.kind, 'losses');
    assert.deepEqual([proofs[0].disruption, proofs[0].verdict.kind], ['rollout', 'losses']);
    assert.equal(proofs[0].lost, proofs[0].losses.length);
    assert.equal(proofs[0].timelines.length, 6);
  });

  for (const program of [SOURCES, ...programs, binary.here]) {
    test(`report shows a proof again as it was, on ${program.name}`, async () => {
      const [page, again, copy] = ['page.html', 'again.html', 'again.json'].map((name) =>
        join(directory, name),
      );
      assert.ok(page !== undefined && again !== undefined && copy !== undefined);
      const lossy = [...SHORT, '--command', fault('exits-on-sigterm'), '--json', json, '--html', page];
      const proven = await finish(begin(['kill', 'rollout', ...lossy], program));
      assert.equal(proven.code, 1, proven.out);
      const shown = start(program, ['report', json, '--json', copy, '--html', again]);
      running.push(shown);
      assert.deepEqual(await finish(shown), { out: proven.out, err: '', code: 1 });
      assert.match(proven.out, /^LOST \d+ of .* in \d of 2 disruptions\./m);
      assert.equal(readFileSync(again, 'utf8'), readFileSync(page, 'utf8'));
      assert.equal(readFileSync(copy, 'utf8'), readFileSync(json, 'utf8'));
    });
  }

  for (const program of [SOURCES, ...programs, binary.alone]) {
    test(`loses nothing of this service, on ${program.name}, and makes a page of it`, async () => {
      const page = join(directory, 'own.html');
      const { out, code } = await onSchedule(
        () => finish(begin(['kill', ...SHORT_OF_OWN, '--html', page], program)),
        ({ code, out }) => code === 3 && /could not keep its schedule/.test(out),
      );
      assert.equal(code, 0, out);
      assert.match(out, /^PROVEN: 0 lost of [\d,]+ requests/m);
      assert.match(readFileSync(page, 'utf8'), /PROVEN: 0 lost of [\d,]+ requests/);
    });
  }

  test('judges several disruptions as one, and tells what happens while it does', async () => {
    const { out, err } = await finish(
      begin([
        'kill',
        'scale',
        ...BASE,
        ...PROVABLE,
        '--command',
        fault('none'),
        '--rounds',
        '2',
        '--json',
        json,
      ]),
    );
    const { verdict, proofs } = JSON.parse(readFileSync(json, 'utf8'));
    const kinds = proofs.map(({ disruption }: Proof) => disruption);
    assert.deepEqual(kinds, ['kill', 'scale', 'kill', 'scale']);
    assert.ok(out.endsWith(`${verdict.sentence}\n`), out);
    assert.match(verdict.sentence, / 4 disruptions\./);
    assert.match(out, /^4 scale +[\d,]+ +0 +\d+ +2 +proven$/m);
    assert.equal(err.match(/^ +\d+\.\d s {2}(kill|scale) begins$/gm)?.length, 4);
  });

  test('takes the fleet from a manifest, hooks included, and says what it leaves out', async () => {
    const manifest = join(directory, 'web.yaml');
    const container = {
      name: 'app',
      ports: [{ containerPort: 8080 }],
      env: [{ name: 'HTTP_PORT', value: '8080' }],
      readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: '/', port: 8080 } },
      lifecycle: { preStop: { exec: { command: ['sh', '-c', 'sleep 1'] } } },
    };
    const spec = { terminationGracePeriodSeconds: 9, containers: [container] };
    const deployment = { replicas: 2, template: { spec } };
    const object = { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'web' }, spec: deployment };
    writeFileSync(manifest, JSON.stringify(object));
    const given = ['--command', fault('none'), '--manifest', manifest, '--json', json];
    const { out, err } = await finish(
      begin(['kill', ...SHORT.filter((word) => word !== '--pre-stop' && word !== '400ms'), ...given]),
    );
    assert.match(err, /^each server is given its port in HTTP_PORT and PORT$/m, out);
    assert.match(err, /^left out of the manifest: livenessProbe$/m);
    const [{ timelines, outcomes }] = JSON.parse(readFileSync(json, 'utf8')).proofs;
    const { graceMs, terminatingMs, sigtermMs } = timelines.find(
      ({ pod }: { pod: string }) => pod === 'pod-1',
    );
    assert.deepEqual([timelines.length, graceMs], [3, 9_000]);
    assert.ok(sigtermMs - terminatingMs >= 1_000);
    assert.deepEqual(Object.keys(outcomes), ['ok'], out);
  });

  test('a control that takes away what the proof rests on is red', async () => {
    const { out, code } = await finish(
      begin(['rollout', ...BASE, '--propagation', '3s', '--command', fault('none'), '--without', 'preStop']),
    );
    assert.equal(code, 1, out);
    assert.match(out, /^rollout, without preStop: the wait before SIGTERM/m);
    assert.match(out, /As expected without preStop\.$/m);
  });

  test('so is one that goes without what its user names', async () => {
    const { out, code } = await finish(
      begin([
        'rollout',
        ...BASE,
        '--propagation',
        '3s',
        '--command',
        fault('none'),
        '--without',
        'preStop=0ms',
        '--without',
        'env:UNREAD=1',
      ]),
    );
    assert.equal(code, 1, out);
    assert.match(out, /^rollout, without preStop=0ms and env:UNREAD=1: a preStop of more than 0ms, and/m);
  });

  const findProcesses = (mark: string) => readCommandLines().filter((line) => line.includes(mark));

  const [, onNode = SOURCES] = programs;
  for (const [what, program, signal, isHeard, isRepeated] of [
    ['Ctrl-C', SOURCES, 'SIGINT', true, false],
    ['a terminal that is closed, which says so more than once', SOURCES, 'SIGHUP', true, true],
    ['Ctrl-C that ends its reader first, as tee', onNode, 'SIGINT', false, false],
  ] as const) {
    test(`ends well on ${what}: the ledger settled, inconclusive, and no process left`, async () => {
      const mark = `mark-${process.pid}-${signal}-${isHeard}`;
      const command = `${fault('none')} ${mark}`;
      const begun = begin(['rollout', '--command', command, ...BASE, '--baseline', '1h'], program);
      const ended = finish(begun);
      await new Promise<void>((resolve) => {
        begun.child.stderr?.on('data', (line) => String(line).includes('under load') && resolve());
      });
      assert.equal(findProcesses(mark).filter((line) => line.endsWith(`none.ts ${mark}`)).length, 3);
      if (!isHeard) begun.child.stderr?.destroy();
      begun.child.kill(signal);
      const repeating = isRepeated ? setInterval(() => begun.child.kill(signal), 20) : undefined;
      const { out, code } = await ended;
      clearInterval(repeating);
      assert.equal(code, 3, out);
      assert.match(out, /it was interrupted/);
      assert.deepEqual(findProcesses(mark), []);
    });
  }

  testWith(TOOLS.terminal)(
    'ends well on a terminal that is gone: what cannot be written there is no fault',
    async () => {
      const mark = `mark-${process.pid}-terminal`;
      const report = join(directory, 'terminal.json');
      const args = ['prove', 'rollout', '--command', `${fault('none')} ${mark}`, ...BASE];
      const line = toShellLine([...onNode.argv, ...args, '--baseline', '1h', '--json', report]);
      const begun = startInTerminal(`exec ${line}`);
      running.push(begun);
      await new Promise<void>((resolve) => {
        begun.child.stdout?.on('data', (text) => String(text).includes('requests') && resolve());
      });
      begun.child.kill('SIGKILL');
      while (findProcesses(mark).length > 0) await sleep(50);
      const { verdict } = JSON.parse(readFileSync(report, 'utf8'));
      assert.equal(verdict.kind, 'inconclusive');
      assert.ok(verdict.doubts.includes('it was interrupted'), verdict.sentence);
    },
  );

  test('losses stay losses where they cannot be written down, and what is written elsewhere is', async () => {
    const page = join(directory, 'kept.html');
    const lossy = [...SHORT, '--command', fault('exits-on-sigterm')];
    const { out, err, code } = await finish(begin(['kill', ...lossy, '--json', '/dev/full', '--html', page]));
    assert.equal(code, 1, out);
    assert.match(err, /^dropless: --json "\/dev\/full" can't be written: .*ENOSPC/m);
    assert.match(readFileSync(page, 'utf8'), /LOST \d+ of/);
  });

  test('a proof that cannot be written down is none', async () => {
    const { out, code } = await finish(
      begin(['kill', ...SHORT, '--command', fault('none'), '--json', '/dev/full']),
    );
    assert.equal(code, 3, out);
  });

  test('leaves no report of an earlier run behind', async () => {
    const page = join(directory, 'stale.html');
    const stale = join(directory, 'stale.json');
    for (const file of [page, stale]) writeFileSync(file, 'PROVEN');
    const reports = ['--json', stale, '--html', page];
    const command = ['--command', 'sh -c "exit 7"'];
    assert.equal((await finish(begin(['kill', '--local', ...command, ...reports]))).code, 2);
    assert.deepEqual([readFileSync(stale, 'utf8'), readFileSync(page, 'utf8')], ['', '']);
  });

  test('says of a safeguard that cannot be taken away that it cannot', async () => {
    const page = join(directory, 'nothing.html');
    const reports = ['--json', json, '--html', page];
    const { err, code } = await finish(
      begin(['kill', ...SHORT, '--command', fault('none'), '--without', 'in-flight', ...reports]),
    );
    assert.equal(code, 3, err);
    assert.match(
      err,
      /^INCONCLUSIVE: none lost of 0 requests, but .* is not known to read DRAIN_TIMEOUT_MS/m,
    );
    const { verdict, proofs } = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual([verdict.kind, proofs], ['inconclusive', []]);
    assert.match(readFileSync(page, 'utf8'), /INCONCLUSIVE: none lost of 0 requests/);
  });

  test('disrupts no target with an endpoint that is never ok', async () => {
    const endpoints = ['--endpoint', 'GET /nowhere', '--timeout', '2s'];
    const { out, code } = await finish(begin(['rollout', ...SHORT_OF_OWN, ...endpoints, '--json', json]));
    assert.equal(code, 3, out);
    assert.match(
      out,
      /but .*\/nowhere was never ok \(.*\d+ http_404.*\) before the rollout, which was skipped/,
    );
    const { proofs } = JSON.parse(readFileSync(json, 'utf8'));
    assert.equal(proofs[0].timelines.length, 3);
  });

  test('leaves a target alone whose slow endpoint has yet to answer, and never does', async () => {
    const program =
      'require("node:http").createServer((q, a) => q.url !== "/hang" && a.end()).listen(process.env.PORT)';
    const endpoints = ['--endpoint', 'GET / 9', '--endpoint', 'GET /hang', '--timeout', '2s'];
    const { out, code } = await finish(
      begin(['kill', ...OWN, ...BRIEF, '--command', `node -e '${program}'`, ...endpoints]),
    );
    assert.equal(code, 3, out);
    assert.match(out, /\/hang was never ok \(\d+ timeout\) before the kill, which was skipped/);
  });

  for (const program of [SOURCES, onNode]) {
    test(`a verdict that cannot be printed is none, on ${program.name}`, async () => {
      const line = toShellLine([...program.argv, 'prove', 'kill', ...SHORT_OF_OWN]);
      const toFull: Program = { name: 'to a full disk', argv: ['/bin/sh', '-c', `${line} > /dev/full`] };
      const { err, code } = await finish(begin([], toFull));
      assert.equal(code, 3, err);
      assert.match(err, /^dropless: standard output: .*ENOSPC/m);
    });
  }

  test('is not taken for a proof of the cluster that is configured', async () => {
    const kubectl = join(directory, 'kubectl');
    const config = { 'current-context': 'production', clusters: [{ cluster: { server: 'https://api' } }] };
    writeFileSync(kubectl, `#!/bin/sh\necho '${JSON.stringify(config)}'\n`);
    chmodSync(kubectl, 0o755);
    const configured: Program = {
      name: 'with a cluster',
      argv: ['env', `PATH=${directory}:${process.env.PATH}`, ...SOURCES.argv],
    };
    const unasked = await finish(begin(['kill'], configured));
    assert.equal(unasked.code, 2);
    assert.match(unasked.err, /name a target in the cluster of context "production", .* or give --local/);
    const command = ['--command', 'sh -c "exit 7"'];
    assert.match((await finish(begin(['kill', ...command], configured))).err, /exits with code 7/);
  });

  for (const [what, args, message] of [
    ['an unknown disruption', ['explode'], '"explode" is neither a disruption'],
    ['run without --do', ['run'], 'run needs --do'],
    ['an authority that is not there', ['rollout', '--local', '--ca', '/no/such'], '--ca'],
    [
      'an image that is kept, twice',
      ['rollout', 'deploy/a', '--image', 'i', '--keep', '--rounds', '2'],
      '--keep works only with a single rollout',
    ],
    [
      'an address with a path, and endpoints',
      ['rollout', 'deploy/a', '--url', 'http://x/a', '--endpoint', 'GET /'],
      'the URL has the path /a',
    ],
    ['a header that HTTP forbids', ['kill', ...SHORT, '--header', 'Connection: x'], 'onnection'],
    [
      'controls of several',
      ['rollout', 'kill', '--with-controls'],
      '--with-controls works only with one disruption',
    ],
    ['an unknown safeguard', ['rollout', '--without', 'x'], 'must be preStop or lame-duck or readiness'],
    [
      'a manifest without the server that it is of',
      ['rollout', '--manifest', 'web.yaml'],
      '--manifest needs --command',
    ],
    [
      'a manifest that is not there',
      ['rollout', '--command', 'x', '--manifest', '/no/such'],
      '--manifest "/no/such" can\'t be read: ',
    ],
    [
      'a manifest for a cluster',
      ['rollout', 'deploy/a', '--command', 'x', '--manifest', 'x'],
      'cannot be combined',
    ],
    [
      'a command that ends',
      ['rollout', '--local', '--command', 'sh -c "exit 7"'],
      'exits with code 7 before it is ready',
    ],
    [
      'a command that is not there',
      ['rollout', '--local', '--command', '/no/such'],
      'exits with code 127 before it is ready',
    ],
  ] as const) {
    test(`${what} is one clear line, and exit code 2`, async () => {
      const { out, err, code } = await finish(begin(args));
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.ok(err.includes('dropless: ') && err.includes(message), err);
    });
  }
});
