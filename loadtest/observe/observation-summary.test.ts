import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { formatStretchLine, parseObservation } from './observation-report.ts';
import { formatStretch } from './observation-summary.ts';
import type { JudgedStretch } from './totals.ts';

const { disruption: _, without: __, target: ___, marks: ____, ...judged } = createSampleProof();
const rollout = { reason: 'rollout', text: 'rollout to revision 2', pods: ['web-new', 'web-old'] } as const;
const here: JudgedStretch = { ...judged, reasons: [rollout] };
/** The same, with a load that was sent from two nodes. */
const fromNodes: JudgedStretch = {
  ...here,
  losses: judged.losses.map((loss) => ({ ...loss, settlement: { ...loss.settlement, from: 'node-2' } })),
  margins: judged.margins.map((margin) => ({ ...margin, ledFrom: 'node-2', firstResponseFrom: 'node-1' })),
  vantagePoints: [
    { from: 'node-1', requests: 400, lost: 0, ledForMs: 100 },
    { from: 'node-2', requests: 400, lost: 3, ledForMs: 1_900 },
  ],
};

describe('formatStretch()', () => {
  test('names the vantage point of each loss and margin, and has a row for each', () => {
    const text = formatStretch(fromNodes);
    assert.match(text, /^2030-01-31T12:00:00\.000Z {2}rollout to revision 2: web-new, web-old\n/);
    assert.match(text, /reset \(keep-alive connection, idle for 12 ms from node-2\)/);
    assert.match(text, /Endpoints were used for up to 0\.2 s \(web-old, from node-2\) after deletion/);
    assert.match(text, /first response within 1\.6 s \(web-new, from node-1\)/);
    assert.match(
      text,
      /From +Requests +Lost +Endpoints used after deletion\nnode-1 .*\nnode-2 +400 +3 +1\.9 s\n/,
    );
  });

  test('names none where the load has one place', () => {
    assert.doesNotMatch(formatStretch(here), /from node|Requests/);
  });

  test('losses outside of any replacement have the rows, too', () => {
    const text = formatStretch({ ...fromNodes, reasons: [] });
    assert.match(text, /outside of any replacement\n/);
    assert.match(text, /node-2 +400 +3/);
  });
});

test('a line names the vantage point of each loss and margin', () => {
  const [line] = parseObservation(formatStretchLine(fromNodes), 'night.json');
  assert.ok(line?.kind === 'replacement');
  assert.deepEqual(
    [line.losses.map(({ settlement }) => settlement.from), line.vantagePoints, line.margins],
    [['node-2', 'node-2', 'node-2'], fromNodes.vantagePoints, fromNodes.margins],
  );
});
