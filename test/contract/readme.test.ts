/** The README's examples, run as they stand there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TOOLS, testWith } from '../tools.ts';
import { type Service, startService, stop } from './service.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

/** Each `$ command` of the console blocks, with the output shown under it. */
const examples = [...readme.matchAll(/```console\n([\s\S]*?)```/g)]
  .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
  .map((example) => {
    const [command = '', ...output] = example.split('\n');
    return { command, output: output.join('\n') };
  });

describe('README', () => {
  let service: Service;
  before(async () => {
    service = await startService('bun');
  });
  after(() => stop(service));

  test('has examples', () => assert.ok(examples.length >= 6));

  const testExample = testWith(TOOLS.curl);
  for (const { command, output } of examples) {
    testExample(`$ ${command}`, async () => {
      const child = spawn('sh', ['-c', command.replaceAll('localhost:3000', `127.0.0.1:${service.port}`)]);
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        printed += chunk;
      });
      await once(child, 'close');
      assert.equal(printed.trimEnd(), output.trimEnd());
    });
  }
});
