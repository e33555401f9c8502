import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { createBalancer } from './balancer.ts';

const never = new AbortController().signal;
const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

async function balance({ latencyMs = 0, propagationMs = 0 } = {}) {
  const balancer = await createBalancer({ propagationMs, latencyMs, nowMs: () => performance.now() });
  closers.push(() => balancer.close());
  return balancer;
}

/** Sends text and tells how the connection ended, and with what. */
function exchange(port: number, text: string): Promise<{ end: string; got: string; port: number }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let end = 'closed';
    let got = '';
    let localPort = 0;
    socket.on('connect', () => {
      localPort = socket.localPort ?? 0;
      socket.write(text);
    });
    socket.on('data', (chunk) => {
      got += chunk.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code ?? error.message;
    });
    socket.on('close', () => resolve({ end, got, port: localPort }));
  });
}

describe('createBalancer()', () => {
  test('gives connections to the endpoints in turn and knows where each one led', async () => {
    const balancer = await balance();
    const pods = await Promise.all(['a', 'b'].map((name) => listen((socket) => socket.end(name))));
    balancer.publish(pods.map(({ port }, index) => ({ pod: ['a', 'b'][index] ?? '', port })));
    await balancer.settled(never);
    const seen: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const { got, port } = await exchange(balancer.port, 'x');
      assert.equal(balancer.podOf(port, performance.now()), got);
      seen.push(got);
    }
    assert.deepEqual(seen, ['a', 'b', 'a', 'b']);
  });

  for (const latencyMs of [0, 5]) {
    test(`passes on a close as a close and a reset as a reset, latency ${latencyMs} ms`, async () => {
      const balancer = await balance({ latencyMs });
      const { port } = await listen((socket) => {
        socket.once('data', (data) =>
          data.toString() === 'reset' ? socket.resetAndDestroy() : socket.end('bye'),
        );
      });
      balancer.publish([{ pod: 'a', port }]);
      await balancer.settled(never);
      const closed = await exchange(balancer.port, 'close');
      assert.deepEqual([closed.end, closed.got], ['closed', 'bye']);
      const reset = await exchange(balancer.port, 'reset');
      assert.deepEqual([reset.end, reset.got], ['ECONNRESET', '']);
    });
  }

  test('resets where there is no endpoint, and where the endpoint does not listen', async () => {
    const balancer = await balance();
    assert.equal((await exchange(balancer.port, 'x')).end, 'ECONNRESET');
    const { port, server } = await listen(() => {});
    await new Promise((resolve) => server.close(resolve));
    balancer.publish([{ pod: 'a', port }]);
    await balancer.settled(never);
    const { end, port: clientPort } = await exchange(balancer.port, 'x');
    assert.equal(end, 'ECONNRESET');
    assert.equal(balancer.podOf(clientPort, performance.now()), 'a');
  });

  test('leaves a connection where it is when its endpoint is removed', async () => {
    const balancer = await balance();
    const { port } = await listen((socket) => socket.on('data', (data) => socket.write(data)));
    balancer.publish([{ pod: 'a', port }]);
    await balancer.settled(never);
    const kept = connect(balancer.port, '127.0.0.1');
    closers.push(() => kept.destroy());
    const echo = (text: string) =>
      new Promise<string>((resolve) => {
        kept.once('data', (data) => resolve(data.toString()));
        kept.write(text);
      });
    assert.equal(await echo('one'), 'one');
    balancer.publish([]);
    await balancer.settled(never);
    assert.equal((await exchange(balancer.port, 'x')).end, 'ECONNRESET');
    assert.equal(await echo('two'), 'two');
  });

  test('hears of an added endpoint at once, and of a removed one late', async () => {
    const balancer = await balance({ propagationMs: 60_000 });
    const pods = await Promise.all(['a', 'b'].map((name) => listen((socket) => socket.end(name))));
    const [a, b] = pods.map(({ port }, index) => ({ pod: ['a', 'b'][index] ?? '', port }));
    if (a === undefined || b === undefined) throw new Error('two pods were started');
    balancer.publish([a]);
    balancer.publish([b]);
    const seen = [(await exchange(balancer.port, 'x')).got, (await exchange(balancer.port, 'x')).got];
    assert.deepEqual(seen, ['a', 'b']);
  });

  test('counts the delay of a removal from the last one, and not from one that was taken back', async () => {
    const balancer = await balance({ propagationMs: 400 });
    const { port } = await listen((socket) => socket.end('a'));
    const backend = { pod: 'a', port };
    balancer.publish([backend]);
    balancer.publish([]);
    balancer.publish([backend]);
    await balancer.settled(never);
    const removedMs = performance.now();
    balancer.publish([]);
    // What says the same again changes nothing.
    balancer.publish([]);
    await balancer.settled(never);
    // A timer may come a millisecond early.
    assert.ok(performance.now() - removedMs >= 399);
    assert.equal((await exchange(balancer.port, 'x')).end, 'ECONNRESET');
  });

  test('holds back what goes through, and its end, for the latency', async () => {
    const latencyMs = 30;
    const balancer = await balance({ latencyMs });
    let sentMs = 0;
    const { port } = await listen((socket) => {
      socket.once('data', () => {
        sentMs = performance.now();
        socket.end('bye');
      });
    });
    balancer.publish([{ pod: 'a', port }]);
    const begunMs = performance.now();
    const { got, end } = await exchange(balancer.port, 'x');
    const overMs = performance.now();
    assert.deepEqual([got, end], ['bye', 'closed']);
    // A timer may come a millisecond early.
    assert.ok(sentMs - begunMs >= latencyMs - 1);
    assert.ok(overMs - sentMs >= latencyMs - 1);
  });

  test('loses nothing where the other side takes less than is sent', async () => {
    const balancer = await balance({ latencyMs: 5 });
    const total = 64 * 1_048_576;
    let sent = 0;
    let heldBack: () => void = () => {};
    const isHeldBack = new Promise<void>((resolve) => {
      heldBack = resolve;
    });
    const { port } = await listen((socket) => {
      socket.once('data', () => {
        const chunk = Buffer.alloc(65_536, 'x');
        const write = () => {
          while (sent < total) {
            sent += chunk.length;
            if (socket.write(chunk)) continue;
            heldBack();
            return void socket.once('drain', write);
          }
          socket.end();
        };
        write();
      });
    });
    balancer.publish([{ pod: 'a', port }]);
    const socket = connect(balancer.port, '127.0.0.1');
    closers.push(() => socket.destroy());
    socket.pause();
    socket.write('x');
    await isHeldBack;
    let got = 0;
    socket.on('data', (chunk) => {
      got += chunk.length;
    });
    socket.resume();
    await new Promise((resolve) => socket.once('end', resolve));
    assert.equal(got, total);
  });

  test('tells apart two connections that had the same port of the client, one after the other', async () => {
    const balancer = await balance();
    const { port } = await listen((socket) => socket.end('a'));
    const beforeMs = performance.now() - 1;
    balancer.publish([{ pod: 'a', port }]);
    const { port: clientPort } = await exchange(balancer.port, 'x');
    assert.equal(balancer.podOf(clientPort, beforeMs), null);
    assert.equal(balancer.podOf(clientPort, performance.now()), 'a');
  });
});
