import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWorld } from '../../test/fixtures/world.ts';
import { appendStepSummary } from './step-summary.ts';

const MIB = 1024 ** 2;

/** @param before what earlier commands of the same step wrote; null: there is no file yet */
async function append(markdown: string, before: string | null, fault: Error | null = null) {
  const { world, out } = createWorld();
  const written: string[] = [];
  await appendStepSummary(() => markdown, {
    ...world,
    env: { GITHUB_STEP_SUMMARY: '/summary.md' },
    readText: async () => before ?? Promise.reject(new Error('ENOENT')),
    appendText: async (path, text) => {
      if (fault !== null) throw fault;
      assert.equal(path, '/summary.md');
      written.push(text);
    },
  });
  return { written, stderr: out.stderr };
}

describe('appendStepSummary()', () => {
  test('writes nothing, and does not ask for the text, where there is no summary', async () => {
    const unasked = () => assert.fail('asks for the text');
    await appendStepSummary(unasked, createWorld().world);
    await appendStepSummary(unasked, { ...createWorld().world, env: { GITHUB_STEP_SUMMARY: '' } });
  });

  test('adds to what is there, or begins it', async () => {
    assert.deepEqual(await append('# a\n', 'earlier\n'), { written: ['# a\n'], stderr: '' });
    assert.deepEqual(await append('# a\n', null), { written: ['# a\n'], stderr: '' });
  });

  test('keeps all that one step writes within the limit', async () => {
    const { written } = await append('line\n'.repeat(MIB), 'x'.repeat(MIB / 2));
    const bytes = Buffer.byteLength(written.join(''));
    assert.ok(bytes > MIB / 2 - 200 && bytes <= MIB / 2, `${bytes} bytes`);
  });

  test('tells in a note that it could not be written', async () => {
    const { stderr } = await append('# a\n', null, new Error('EACCES'));
    assert.equal(stderr, 'the job summary "/summary.md" (GITHUB_STEP_SUMMARY) was not written: EACCES\n');
  });
});
