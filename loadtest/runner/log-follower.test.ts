import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROCESS_CLOCK } from '../cli/clock.ts';
import type { StreamHooks } from '../kube/api.ts';
import { followLog } from './log-follower.ts';
import { formatRunnerMessage } from './runner-message.ts';

/** The short pauses pass at once; the long one is for what never ends. */
const clock = {
  nowMs: () => 0,
  pause: (ms: number, signal: AbortSignal | null) => PROCESS_CLOCK.pause(ms < 1_000 ? 1 : ms, signal),
};
const message = (number: number) =>
  formatRunnerMessage({ number, stream: 'stdout', text: `${number}` }).trimEnd();

/** A log of which each opening of the stream shows what is given, and then breaks or ends in order. */
function createLog(openings: readonly { readonly lines: readonly string[]; readonly isWhole: boolean }[]) {
  let next = 0;
  const heard: string[] = [];
  const stop = new AbortController();
  const api = {
    async stream(_: string, { onOpen, onLine }: StreamHooks) {
      const opening = openings[Math.min(next, openings.length - 1)];
      next += 1;
      if (opening === undefined) throw new Error('it cannot be opened');
      onOpen();
      for (const line of opening.lines) onLine(line);
      if (!opening.isWhole) throw new Error('it broke');
    },
  };
  const log = followLog(
    api as never,
    { namespace: 'shop', pod: 'p' },
    {
      onMessage: ({ text }) => void heard.push(text),
      onText: (text) => void heard.push(text.trimEnd()),
      clock,
      stopped: stop.signal,
    },
  );
  return { log, heard, stop };
}

describe('followLog()', () => {
  test('hands over each line once, however often the stream breaks', async () => {
    const { log, heard, stop } = createLog([
      { lines: [message(0), 'raw', message(1)], isWhole: false },
      { lines: [message(0), 'raw', message(1), 'more', message(2)], isWhole: false },
      { lines: [message(0), 'raw', message(1), 'more', message(2), message(3)], isWhole: true },
    ]);
    await log.drain();
    assert.deepEqual(heard, ['0', 'raw', '1', 'more', '2', '3']);
    assert.deepEqual([log.state(), log.hasGap()], ['spoken', false]);
    stop.abort();
  });

  test('tells a gap', async () => {
    const { log, heard, stop } = createLog([{ lines: [message(0), message(4)], isWhole: true }]);
    await log.drain();
    assert.deepEqual(heard, ['0', '(3 lines of the runner are missing here)', '4']);
    assert.equal(log.hasGap(), true);
    stop.abort();
  });

  test('knows a log that shows nothing from one that cannot be read', async () => {
    const silent = createLog([{ lines: ['hello'], isWhole: true }]);
    await silent.log.drain();
    assert.equal(silent.log.state(), 'silent');
    silent.stop.abort();
    const unread = createLog([]);
    const drained = unread.log.drain();
    unread.stop.abort();
    await drained;
    assert.equal(unread.log.state(), 'unread');
  });
});
