import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../loadtest/cli/fault.ts';
import { startLoad } from '../../loadtest/load/load.ts';
import type { LoadSpec } from '../../loadtest/load/load-spec.ts';
import { createSender } from '../../loadtest/load/sender.ts';
import type { ObservedTarget } from '../../loadtest/observe/observed-target.ts';
import { carryOutObservation, type ObservationTally } from '../../loadtest/observe/observer.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../../loadtest/proof/proof-load.ts';

const secret = 'known to both';
/** Of which no pod comes or goes. */
const RESTING = {
  name: 'web',
  events: [],
  gaps: [],
  changes: [],
  wanted: 0,
  slackMs: 0,
  surgeAdvice: '',
  revisionOf: () => null,
  podOf: () => null,
  podNamed: () => null,
  identitiesOf: () => [],
  isTarget: () => true,
  confirm: () => Promise.resolve(),
  forget: () => {},
  tell: () => Promise.resolve(),
} as const satisfies Partial<ObservedTarget>;
const portOf = (server: Server | HttpServer) => (server.address() as AddressInfo).port;

describe('senders', () => {
  const target = createServer((_, response) => response.end('ok'));
  const senders = [createSender(secret), createSender(secret)];
  const sockets = new Set<Socket>();

  before(async () => {
    for (const server of [target, ...senders]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    for (const sender of senders) sender.on('connection', (socket) => void sockets.add(socket));
  });
  after(() => {
    target.closeAllConnections();
    for (const server of [target, ...senders]) server.close();
    for (const socket of sockets) socket.destroy();
  });

  const toSpec = (requests: number, own = secret): LoadSpec => {
    const spec = toLoadSpec(new URL(`http://127.0.0.1:${portOf(target)}/`), {
      ...DEFAULT_LOAD,
      rate: 200,
      senders: senders.map((sender, index) => ({
        from: `node-${index}`,
        host: '127.0.0.1',
        port: portOf(sender),
        secret: own,
      })),
    });
    return { ...spec, plan: { ...spec.plan, maxRequests: requests } };
  };

  test('send one plan, each request once, and are merged exactly', async () => {
    const seen: { index: number; from: string | null; endMs: number; id: number | null }[] = [];
    let last = 0;
    const load = await startLoad(toSpec(100), {
      collectors: [
        {
          add: ({ index, from, endMs, connection }) =>
            void seen.push({ index, from, endMs, id: connection?.id ?? null }),
        },
      ],
      connectionCollectors: [{ addConnection: () => {} }],
      onSnapshot: ({ outcomes }) => {
        last = outcomes.ok ?? 0;
      },
    });
    const { record, ledgerFault } = await load.result;
    assert.equal(ledgerFault, null);
    assert.deepEqual([record.planned, record.sent, record.settled], [100, 100, 100]);
    assert.deepEqual(
      seen.map(({ index }) => index).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => index),
    );
    for (const { index, from } of seen) assert.equal(from, `node-${index % 2}`);
    const ids = (from: string) => new Set(seen.filter((each) => each.from === from).map(({ id }) => id));
    for (const id of ids('node-0')) assert.ok(!ids('node-1').has(id), `connection ${id}`);
    assert.ok(last <= 100);
  });

  test('a load ends with an error where a sender is lost', async () => {
    const load = await startLoad(toSpec(100_000), { onSnapshot: () => {} });
    const [one, ...others] = [...sockets].filter(({ destroyed }) => !destroyed);
    assert.equal(others.length, 1);
    one?.destroy();
    await assert.rejects(load.result, /the sender on node-\d was lost/);
    // The other is let go, so that nothing keeps this process.
    for (const other of others) if (!other.destroyed) await once(other, 'close');
  });

  test('an observation ends where a sender is lost, tells which, and keeps what it has', async () => {
    let isClosed = false;
    let tally: ObservationTally | null = null;
    const spec = toSpec(100_000);
    const { verdict, outcomes } = await carryOutObservation(
      { forMs: null, run: null, baselineMs: 0, tailMs: 0, allowed: [] },
      spec,
      {
        ...RESTING,
        url: new URL(`http://127.0.0.1:${portOf(target)}/`),
        close: () => {
          isClosed = true;
        },
      },
      new AbortController().signal,
      {
        onBegin: (begun) => {
          tally = begun;
        },
        onJudged: () => {},
        onSnapshot: () => {
          if ((tally?.outcomes.ok ?? 0) > 0) for (const socket of sockets) socket.destroy();
        },
        tell: () => {},
      },
    );
    assert.equal(verdict.exit, 'inconclusive');
    assert.match(verdict.doubts[0] ?? '', /^the load broke off: the sender on node-\d was lost$/);
    assert.ok((outcomes.ok ?? 0) > 0);
    assert.ok(isClosed);
  });

  test('no load begins with another secret', async () => {
    await assert.rejects(
      startLoad(toSpec(10, 'another'), { onSnapshot: () => {} }),
      (error) => error instanceof Fault && /the sender on node-\d .* cannot be used/.test(error.message),
    );
  });
});
