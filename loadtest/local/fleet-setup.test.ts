import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { toOwnService } from './fleet-setup.ts';
import { startReplica } from './replica.ts';

const directory = mkdtempSync(join(tmpdir(), 'own-service-'));
after(() => rmSync(directory, { recursive: true }));

describe('toOwnService()', () => {
  for (const name of ['plain', 'with a space', `it's "$HOME"`, '100%20', '`id` &;']) {
    test(`starts from a checkout in a directory named ${name}`, async () => {
      const checkout = join(directory, name);
      mkdirSync(join(checkout, 'src'), { recursive: true });
      mkdirSync(join(checkout, 'service'));
      writeFileSync(join(checkout, 'src', 'main.ts'), `console.log('sources' as string);`);
      writeFileSync(join(checkout, 'service', 'main.js'), `console.log('bundle');`);
      for (const [path, said] of [
        ['loadtest/local/fleet-setup.ts', 'sources'],
        ['main.js', 'bundle'],
      ] as const) {
        const command = toOwnService(pathToFileURL(join(checkout, path)).href);
        const replica = await startReplica(command, process.env);
        await replica.logged;
        assert.deepEqual([...replica.log], [said], command);
      }
    });
  }
});
