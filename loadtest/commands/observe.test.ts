import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createWorld } from '../../test/fixtures/world.ts';
import { runCli } from '../cli/program.ts';
import { observe } from './observe.ts';

async function call(...args: readonly string[]) {
  const { world, out } = createWorld();
  const code = await runCli({ version: '0', commands: [observe] }, ['observe', ...args], world);
  return { code, text: out.stderr };
}

describe('dropless observe', () => {
  for (const [args, message] of [
    [[], 'svc/NAME is missing'],
    [['web'], '"web" is no target: give svc/NAME, for example svc/web'],
    [['deploy/web'], 'Deployment web cannot be observed: Services can, for example svc/web'],
    [['svc/web', '--metrics', '9464'], '--metrics "9464": must be :PORT or HOST:PORT, for example :9464'],
    [['svc/web', '--metrics', ':65536'], '--metrics ":65536": must be :PORT or HOST:PORT, for example :9464'],
    [['svc/web', '--for', '1h', '--do', 'true'], '--do and --for cannot be combined'],
    [['svc/web', '--baseline', '1s'], '--baseline needs --do'],
    [['svc/web', '--rate', '1001'], '--rate "1001": must be a number from 1 to 1000'],
  ] as const) {
    test(`${args.join(' ') || 'nothing'} is a fault of usage`, async () => {
      assert.deepEqual(await call(...args), { code: 2, text: `dropless: ${message}\n` });
    });
  }

  test('takes the command lines of docs/observe.md', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/observe.md'), 'utf8');
    const lines = [...page.matchAll(/```sh\ndropless observe (.*)\n```/g)].map(([, line = '']) => line);
    assert.equal(lines.length, 3);
    for (const line of lines) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const args = words.filter((word, at) => word !== '--json' && words[at - 1] !== '--json');
      // All is right as far as the cluster, of which there is none.
      const { code, text } = await call(...args, '--kubeconfig', '/nowhere/kubeconfig');
      assert.match(text, /kubeconfig|cluster/);
      assert.notEqual(code, 0);
    }
  });
});
