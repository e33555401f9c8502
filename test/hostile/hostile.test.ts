import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Outcome } from '../../loadtest/engine/outcome.ts';
import { type Bed, startBed } from './bed.ts';
import type { Account } from './drive.ts';
import { FAULT_EVERY, type HostileMode, MODES } from './modes.ts';

const DRIVE = join(import.meta.dirname, 'drive.ts');
const RUNTIMES = { bun: ['bun'], node: ['node', '--import=tsx'] };

/** node:http reports these by one code, and tells them apart by guesswork. */
const CUT: readonly Outcome[] = ['reset', 'closed_before_response', 'truncated'];

for (const [runtime, [command = '', ...args]] of Object.entries(RUNTIMES)) {
  for (const client of ['own', 'node:http'] as const) {
    describe(`the ${client} client on ${runtime}, against servers with a count of their own`, () => {
      let bed: Bed;
      let accounts: Record<string, Account>;

      before(async () => {
        bed = await startBed();
        const { stdout } = await promisify(execFile)(
          command,
          [...args, DRIVE, client, JSON.stringify(bed.ports)],
          {
            maxBuffer: 64 * 2 ** 20,
          },
        );
        const result = JSON.parse(stdout);
        assert.equal(result.runtime, runtime);
        accounts = result.accounts;
      });
      after(() => bed.close());

      for (const mode of MODES) {
        test(`${mode.name}: the ledger and the server agree on every request`, () => {
          const account = accounts[mode.name];
          assert.ok(account);
          const { settlements, outcomes, summary } = account;
          const { received } = bed.count(mode.name);

          assert.deepEqual(
            settlements.map(({ index }) => index).sort((a, b) => a - b),
            settlements.map((_, index) => index),
            'each request is settled once',
          );
          assert.equal(summary.planned, settlements.length);
          assert.equal(summary.settled, settlements.length);
          assert.equal(sum(Object.values(outcomes)), settlements.length);
          assert.equal(
            new Set(received.map(({ id }) => id)).size,
            received.length,
            'no request is sent twice',
          );

          const truth = new Map(received.map(({ id, outcomes }) => [id, outcomes]));
          for (const { index, outcome, sentMs, detail } of settlements) {
            const truthful = truth.get(`h-${index}`);
            const allowed = allow(truthful ?? mode.unreceived, client === 'node:http' ? mode : null);
            assert.ok(allowed.includes(outcome), `request ${index}: ${outcome} (${detail}), not ${allowed}`);
            if (truthful !== undefined)
              assert.notEqual(sentMs, null, `request ${index} was received, so it was sent`);
          }

          const faults = received.filter((_, position) => (position + 1) % FAULT_EVERY === 0).length;
          if (client === 'own') assert.equal(summary.connections.excess, mode.isExcessive ? faults : 0);
        });
      }

      test('the modes did what they are named for', () => {
        const count = (mode: string, ...kinds: Outcome[]) =>
          sum(kinds.map((kind) => accounts[mode]?.outcomes[kind] ?? 0));
        assert.equal(count('refuse', 'refused'), 60);
        assert.equal(count('never-answer', 'timeout'), 15);
        assert.equal(count('answer-late', 'timeout'), 15);
        assert.equal(count('unavailable', 'http_503'), 15);
        assert.equal(count('garbage', 'protocol_error'), 15);
        assert.equal(count('truncate-length', ...CUT), 15);
        assert.ok(count('close-on-reuse', ...CUT) > 0);
        assert.equal(count('close-each', 'ok'), 60);
        assert.equal(bed.count('close-each').accepted, 60);
        assert.equal(count('killed', 'ok'), 29);
        assert.ok(count('killed', 'refused') > 0);
      });
    });
  }
}

test('docs/hostile-servers.md has a row for each mode, in its own words', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/hostile-servers.md'), 'utf8');
  const rows = page.match(/^\|.*$/gm) ?? [];
  assert.deepEqual(
    rows.slice(2).map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    ),
    MODES.flatMap(({ name, does, isTaste }) => (isTaste ? [] : [[name, does]])),
  );
});

/** The truthful outcomes, and where node:http is the judge, those that it cannot tell from them. */
function allow(outcomes: readonly Outcome[], http: HostileMode | null): readonly Outcome[] {
  if (http === null) return outcomes;
  return [
    ...outcomes,
    ...(http.httpReports ?? []),
    ...(outcomes.some((outcome) => CUT.includes(outcome)) ? CUT : []),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
