import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { Settlement } from '../engine/settlement.ts';
import { CAUSES, type CauseId } from './cause.ts';
import { toFixes } from './fix.ts';
import { mergeChanges, NO_CHANGE } from './manifest-change.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';

const served: PodEvent[] = [
  { atMs: -9_000, pod: 'a', kind: 'scheduled', version: 'v1', node: 'n1', isProbed: false },
  { atMs: -8_000, pod: 'a', kind: 'ready' },
  { atMs: -8_000, pod: 'a', kind: 'endpoint-added' },
];
/** Deleted at 10 s, SIGTERM after 5 s, gone after 20 s. */
const ended: PodEvent[] = [
  ...served,
  { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 30_000, preStopMs: 5_000 },
  { atMs: 10_010, pod: 'a', kind: 'endpoint-removed' },
  { atMs: 30_000, pod: 'a', kind: 'exited', code: 0, signal: null },
];
const isNew: PodEvent[] = [
  { atMs: 9_000, pod: 'a', kind: 'scheduled', version: 'v1', node: 'n1', isProbed: false },
  { atMs: 10_000, pod: 'a', kind: 'ready' },
  { atMs: 10_000, pod: 'a', kind: 'endpoint-added' },
];
const twoPods: PodEvent[] = [...ended, ...served.map((event) => ({ ...event, pod: 'b' }))];

function fixOf(
  cause: CauseId,
  events: readonly PodEvent[],
  lost: Partial<Settlement>,
  pod: string | null = 'a',
) {
  const loss = {
    settlement: createSettlement(lost),
    pod,
    podBy: 'connection',
    phase: 'unknown',
    cause,
    why: '',
  } as const;
  const [fix] = toFixes({
    causes: { [cause]: 1 },
    losses: [loss],
    timelines: [...toPodTimelines(events).values()],
    beganMs: 9_500,
    deadlineMs: 5_000,
    surgeAdvice: 'Add replicas.',
  });
  return fix;
}

const refused = (endMs: number) => ({ outcome: 'refused', sentMs: null, endMs, connection: null }) as const;
const sent = (sentMs: number, endMs: number) =>
  ({ outcome: 'reset', sentMs, endMs, connection: null }) as const;

describe('toFixes()', () => {
  for (const [cause, events, lost, text, change] of [
    [
      'stops-listening-early',
      ended,
      refused(22_300),
      'Endpoints were still used 12.3 s after the deletion, and SIGTERM came after 5 s: make `lifecycle.preStop.sleep` 15 s and terminationGracePeriodSeconds 40 s.',
      { ...NO_CHANGE, preStopMs: 15_000, graceMs: 40_000 },
    ],
    [
      'killed-at-grace-end',
      ended,
      sent(38_000, 40_000),
      'The last of these requests was sent 28 s after the deletion, a response may take 5 s, and the pod was killed after 30 s: make terminationGracePeriodSeconds 35 s, and exit once drained.',
      { ...NO_CHANGE, graceMs: 35_000 },
    ],
    ['killed-at-grace-end', ended, sent(12_000, 40_000), CAUSES['killed-at-grace-end'].fix, null],
    [
      'cut-by-drain-limit',
      ended,
      sent(28_500, 30_000),
      'The server exited 15 s after SIGTERM with requests that had been under way for up to 1.5 s: raise its shutdown timeout to 5 s, the deadline of a request.',
      null,
    ],
    [
      'too-little-capacity',
      twoPods,
      refused(11_000),
      'Only 1 of 2 pods were in service for a while. Add replicas.',
      { ...NO_CHANGE, isSurged: true },
    ],
    ['too-little-capacity', served, refused(11_000), CAUSES['too-little-capacity'].fix, null],
    [
      'ready-too-early',
      isNew,
      sent(11_200, 11_300),
      `New pods failed requests until 1.2 s after they were ready. ${CAUSES['ready-too-early'].fix}`,
      null,
    ],
    [
      'crashes',
      [...served, { atMs: 11_300, pod: 'a', kind: 'exited', code: 137, signal: null, isOomKilled: true }],
      sent(11_200, 11_300),
      'a ended by OOMKilled: raise resources.limits.memory above what the server needs under this load, or find what grows.',
      null,
    ],
    ['crashes', ended, sent(11_200, 11_300), CAUSES.crashes.fix, null],
  ] as const) {
    test(`${cause}: ${text}`, () => {
      assert.deepEqual(fixOf(cause, events, lost), { cause, text, change });
    });
  }

  test('says what the registry says where the pod is not known', () => {
    assert.deepEqual(fixOf('stops-listening-early', ended, refused(22_300), null), {
      cause: 'stops-listening-early',
      text: CAUSES['stops-listening-early'].fix,
      change: null,
    });
  });
});

describe('mergeChanges()', () => {
  test('takes the most of each', () => {
    assert.deepEqual(
      mergeChanges([
        { preStopMs: 5_000, graceMs: 40_000, isSurged: false },
        null,
        { preStopMs: 9_000, graceMs: null, isSurged: true },
      ]),
      { preStopMs: 9_000, graceMs: 40_000, isSurged: true },
    );
  });

  test('is nothing where nothing is to change', () => {
    assert.equal(mergeChanges([null, null]), null);
  });
});
