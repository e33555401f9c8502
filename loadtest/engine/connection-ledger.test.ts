import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CONNECTION_ENDINGS,
  type ConnectionEnd,
  type ConnectionEnding,
  createConnectionLedger,
} from './connection-ledger.ts';

function toEnd(id: number, ending: ConnectionEnding): ConnectionEnd {
  return {
    id,
    from: null,
    role: 'kept',
    ending,
    openedMs: 1,
    establishedMs: CONNECTION_ENDINGS[ending].isEstablished ? 2 : null,
    endMs: 9,
    idleMs: null,
    requests: 0,
    localPort: null,
    remoteAddress: null,
    pod: null,
    version: null,
  };
}

const createLedger = () => createConnectionLedger(() => {});

describe('createConnectionLedger()', () => {
  test('counts each connection once, shows it as it ends, and balances', () => {
    const shown: number[] = [];
    const ledger = createConnectionLedger(({ id }) => shown.push(id));
    const endings = Object.keys(CONNECTION_ENDINGS) as ConnectionEnding[];
    for (const ending of endings) {
      const id = ledger.open();
      if (CONNECTION_ENDINGS[ending].isEstablished) ledger.establish();
      ledger.end(toEnd(id, ending));
    }
    const { fault, ...counts } = ledger.close();
    assert.equal(fault, null);
    assert.deepEqual(counts, {
      tried: 6,
      established: 4,
      endings: Object.fromEntries(endings.map((ending) => [ending, 1])),
    });
    assert.deepEqual(shown, [1, 2, 3, 4, 5, 6]);
  });

  test('is void for a connection that does not end', () => {
    const ledger = createLedger();
    ledger.open();
    assert.match(ledger.close().fault ?? '', /connections does not balance: tried 1, ended 0/);
  });

  test('is void for one that ends twice', () => {
    const ledger = createLedger();
    const id = ledger.open();
    for (let time = 0; time < 2; time += 1) ledger.end(toEnd(id, 'refused'));
    assert.match(ledger.close().fault ?? '', /tried 1, ended 2/);
  });

  test('is void for one that ends in place of another', () => {
    const ledger = createLedger();
    ledger.open();
    const second = ledger.open();
    for (let time = 0; time < 2; time += 1) ledger.end(toEnd(second, 'refused'));
    assert.match(ledger.close().fault ?? '', /not those that were tried/);
  });

  test('is void for one that was established, and is said to have been refused', () => {
    const ledger = createLedger();
    const id = ledger.open();
    ledger.establish();
    ledger.end({ ...toEnd(id, 'refused'), establishedMs: 2 });
    assert.match(ledger.close().fault ?? '', /connection 1 ended as refused and was established/);
  });
});
