import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createPrograms, start } from './command-line.ts';

const root = join(import.meta.dirname, '..', '..');
const text = readFileSync(join(root, 'docs', 'load-testing.md'), 'utf8');
const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

/** The words of a command line; quotes keep blanks in a word. */
function toWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

describe('the commands of docs/load-testing.md, against the service', () => {
  const { programs, directory, remove } = createPrograms();
  const [, onNode] = programs;
  let service: ReturnType<typeof spawn>;
  let url: string;

  before(async () => {
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    service = spawn(process.execPath, ['src/main.ts'], {
      cwd: root,
      env: { ...process.env, PORT: String(port), HOST: '127.0.0.1', LAME_DUCK_MS: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve, reject) => {
      service.stdout?.on('data', (chunk) => String(chunk).includes('"listening"') && resolve());
      service.once('exit', (code) => reject(new Error(`the service ended with code ${code}`)));
    });
  });

  after(async () => {
    const ended = new Promise((resolve) => service.once('exit', resolve));
    service.kill();
    await ended;
    remove();
  });

  assert.ok(lines.length >= 10, 'commands are found');
  for (const line of lines) {
    test(line, async () => {
      const [name, ...words] = toWords(line);
      assert.equal(name, 'dropless');
      // As written, but on this service, in a directory of the test's, and shorter.
      const args = words.map((word, at) => {
        if (word === 'http://localhost:3000' || word.startsWith('http://localhost:3000/')) {
          return word.replace('http://localhost:3000', url);
        }
        if (words[at - 1] === '--duration') return '2s';
        if (words[at - 1] === '--warmup') return '1s';
        if (words[at - 1] === '--stage') return word.replace(/\/\w+$/, '/500ms');
        return /\.(json|html)$/.test(word) ? join(directory, word) : word;
      });
      const { code, stdout, stderr } = await start(onNode ?? assert.fail(), args).ended;
      assert.equal(stderr, '');
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ok +[\d,]+ +\d+% {2}no/m);
      if (line.includes('--rate 200')) {
        assert.match(
          stdout,
          /^Endpoint +RequestCount +TotalDuration\(ms\) +AverageLatency\(ms\) +ServerAverage\(ms\)\n/,
        );
        assert.match(stdout, /^\/payload +[\d,]+ +[\d.]+ +[\d.]+ +[\d.]+$/m);
      }
    });
  }
});

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
