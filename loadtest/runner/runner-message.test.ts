import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatRunnerMessage, parseRunnerMessage } from './runner-message.ts';

describe('a message of a runner', () => {
  for (const message of [
    { number: 0, stream: 'stderr', text: '' },
    { number: 3, stream: 'report:json', text: '{}\n' },
    { number: 7, stream: 'stdout', text: 'two\nlines, "quoted"\n' },
  ] as const) {
    test(`is one line, and is read back: ${JSON.stringify(message.text)}`, () => {
      const line = formatRunnerMessage(message);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.deepEqual(parseRunnerMessage(line.trimEnd()), message);
    });
  }

  for (const line of [
    '',
    'panic: out of memory',
    '{"stream":"stdout","text":"x"}',
    '{"number":1,"stream":"stdin","text":""}',
    '[]',
  ]) {
    test(`${JSON.stringify(line)} is none`, () => {
      assert.equal(parseRunnerMessage(line), null);
    });
  }
});
