import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXPOSITION_TYPE } from './exposition.ts';
import { parseListenAddress, serveMetrics } from './metrics-server.ts';

describe('parseListenAddress()', () => {
  for (const [text, host, port] of [
    [':9464', null, 9464],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['localhost:65535', 'localhost', 65_535],
    ['[::1]:9464', '::1', 9464],
  ] as const) {
    test(`takes ${text}`, () => assert.deepEqual(parseListenAddress(text), { host, port }));
  }

  for (const text of ['', '9464', ':', ':65536', ':http', 'localhost', '::1:9464', '[::1]', 'http://a:1']) {
    test(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseListenAddress(text), {
        name: 'Fault',
        message: 'must be :PORT or HOST:PORT, for example :9464',
      }));
  }
});

describe('serveMetrics()', () => {
  const LOCAL = { host: '127.0.0.1', port: 0 };

  for (const [method, path, status, body, header, value] of [
    ['GET', '/metrics', 200, 'scrape 1\n', 'content-type', EXPOSITION_TYPE],
    ['GET', '/healthz', 200, 'ok\n', 'allow', null],
    ['GET', '/', 404, '', 'allow', null],
    ['POST', '/', 404, '', 'allow', null],
    ['POST', '/metrics', 405, '', 'allow', 'GET'],
    ['DELETE', '/healthz', 405, '', 'allow', 'GET'],
  ] as const) {
    test(`${method} ${path} is answered with ${status}`, async (t) => {
      let scrapes = 0;
      const server = await serveMetrics(LOCAL, () => {
        scrapes += 1;
        return `scrape ${scrapes}\n`;
      });
      t.after(() => server.close());
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
      assert.deepEqual([response.status, await response.text()], [status, body]);
      assert.equal(response.headers.get(header), value);
      assert.equal(scrapes, path === '/metrics' && method === 'GET' ? 1 : 0);
    });
  }

  test('each scrape is formatted anew', async (t) => {
    let scrapes = 0;
    const server = await serveMetrics(LOCAL, () => {
      scrapes += 1;
      return `scrape ${scrapes}\n`;
    });
    t.after(() => server.close());
    const scrape = async () => (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    assert.deepEqual([await scrape(), await scrape()], ['scrape 1\n', 'scrape 2\n']);
  });

  test('a port in use is a fault that names the flag and the address', async (t) => {
    const server = await serveMetrics(LOCAL, () => '');
    t.after(() => server.close());
    await assert.rejects(
      serveMetrics({ host: '127.0.0.1', port: server.port }, () => ''),
      { name: 'Fault', message: new RegExp(`^--metrics 127\\.0\\.0\\.1:${server.port}: .*in use`) },
    );
  });

  test('after close() nobody listens, and no scraper is held', async () => {
    const server = await serveMetrics(LOCAL, () => '');
    const url = `http://127.0.0.1:${server.port}/metrics`;
    await (await fetch(url)).text();
    server.close();
    await assert.rejects(fetch(url));
  });
});
