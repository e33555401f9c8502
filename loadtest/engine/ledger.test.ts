import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLedger, type Ending } from './ledger.ts';
import type { PlannedRequest, Settlement } from './settlement.ts';

const planned = (index: number): PlannedRequest => ({
  index,
  intendedMs: index * 10,
  endpoint: 1,
  fresh: false,
});

const ending = (outcome: Ending['outcome'], status: number | null = null): Ending => ({
  endMs: 99,
  outcome,
  status,
  bytesReceived: 0,
  connection: null,
  pod: null,
  version: null,
  detail: null,
});

function open() {
  const settlements: Settlement[] = [];
  const ledger = createLedger(
    (settlement) => settlements.push(settlement),
    ({ index }) => `trace-${index}`,
  );
  return { settlements, ledger };
}

describe('createLedger()', () => {
  test('closes empty', () => {
    assert.deepEqual(open().ledger.close(), {
      planned: 0,
      sent: 0,
      settled: 0,
      outcomes: new Map(),
      fault: null,
    });
  });

  test('balances sent and unsent requests and emits each once, with its planned times, and the trace of what was sent and failed', () => {
    const { ledger, settlements } = open();
    const [first, second, third] = [
      ledger.plan(planned(0)),
      ledger.plan(planned(1)),
      ledger.plan(planned(2)),
    ];
    ledger.send(first, 0.5);
    ledger.send(third, 21);
    assert.equal(ledger.open, 3);
    ledger.settle(third, ending('http_503', 503));
    ledger.settle(first, ending('ok', 200));
    ledger.settle(second, ending('not_sent'));
    assert.equal(ledger.open, 0);
    assert.deepEqual(ledger.close(), {
      planned: 3,
      sent: 2,
      settled: 3,
      outcomes: new Map([
        ['http_503', 1],
        ['ok', 1],
        ['not_sent', 1],
      ]),
      fault: null,
    });
    assert.deepEqual(
      settlements.map(({ index, intendedMs, sentMs, endMs, outcome, traceId }) => [
        index,
        intendedMs,
        sentMs,
        endMs,
        outcome,
        traceId,
      ]),
      [
        [2, 20, 21, 99, 'http_503', 'trace-2'],
        [0, 0, 0.5, 99, 'ok', null],
        [1, 10, null, 99, 'not_sent', null],
      ],
    );
  });

  test('balances requests whose numbers add up to more than a number counts exactly', () => {
    const { ledger } = open();
    const far = 2 ** 52 - 2;
    const entries = Array.from({ length: 8 }, (_, index) => ledger.plan(planned(far - index * 1_001)));
    for (const entry of entries.reverse()) ledger.settle(entry, ending('not_sent'));
    assert.equal(ledger.close().fault, null);
  });

  test('tells at the close for a request never settled', () => {
    const { ledger } = open();
    ledger.plan(planned(0));
    assert.equal(
      ledger.close().fault,
      'the ledger does not balance: planned 1, sent 0, settled 0, sum of outcomes 0',
    );
  });

  test('tells at the close for a request settled twice, and emits it once', () => {
    const { ledger, settlements } = open();
    const entry = ledger.plan(planned(7));
    ledger.send(entry, 1);
    ledger.settle(entry, ending('ok', 200));
    ledger.settle(entry, ending('timeout'));
    assert.equal(settlements.length, 1);
    assert.match(ledger.close().fault ?? '', /request 7 settled twice, the second time as timeout/);
  });

  test('a double settlement and a missing one do not cancel out', () => {
    const { ledger } = open();
    const entry = ledger.plan(planned(0));
    ledger.plan(planned(1));
    ledger.settle(entry, ending('refused'));
    ledger.settle(entry, ending('refused'));
    assert.notEqual(ledger.close().fault, null);
  });

  test('tells at the close for a request written twice, or written after its end', () => {
    const twice = open().ledger;
    const entry = twice.plan(planned(3));
    twice.send(entry, 1);
    twice.send(entry, 2);
    twice.settle(entry, ending('ok', 200));
    assert.match(twice.close().fault ?? '', /request 3 sent after it was sent/);

    const late = open().ledger;
    const ended = late.plan(planned(4));
    late.settle(ended, ending('timeout'));
    late.send(ended, 2);
    assert.match(late.close().fault ?? '', /request 4 sent after it was settled/);
  });

  test('tells at the close for an answer to a request never written', () => {
    const { ledger } = open();
    ledger.settle(ledger.plan(planned(5)), ending('ok', 200));
    assert.match(ledger.close().fault ?? '', /request 5 answered with 200 and never sent/);
  });

  test('tells at the close when a request of another ledger was settled', () => {
    const { ledger } = open();
    ledger.plan(planned(1));
    ledger.settle(open().ledger.plan(planned(2)), ending('refused'));
    assert.match(ledger.close().fault ?? '', /not the planned ones/);
  });

  test('tells at the close when a request of another ledger was written', () => {
    const { ledger } = open();
    ledger.send(open().ledger.plan(planned(2)), 1);
    assert.equal(
      ledger.close().fault,
      'the ledger does not balance: planned 0, sent 1, settled 0, sum of outcomes 0',
    );
  });

  test('tells the first fault, not one that follows from it', () => {
    const { ledger } = open();
    const entry = ledger.plan(planned(5));
    ledger.send(entry, 1);
    ledger.send(entry, 2);
    assert.equal(ledger.close().fault, 'the ledger does not balance: request 5 sent after it was sent');
    const unsettled = open().ledger;
    unsettled.plan(planned(5));
    assert.equal(
      unsettled.close().fault,
      'the ledger does not balance: planned 1, sent 0, settled 0, sum of outcomes 0',
    );
  });
});
