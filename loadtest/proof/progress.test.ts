import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createProgressLog, type Progress } from './progress.ts';

const early: Progress = {
  elapsedMs: 5_250,
  settled: 2_100,
  lost: 0,
  marks: [{ atMs: 5_004, text: 'rollout begins' }],
};
const late: Progress = {
  elapsedMs: 5_500,
  settled: 2_200,
  lost: 1,
  marks: [...early.marks, { atMs: 5_400, text: 'Deployment web wants 4' }],
};

function told(isTerminal: boolean, shown: readonly Progress[]): string {
  let output = '';
  const write = (text: string) => {
    output += text;
  };
  const log = createProgressLog({ write, isTerminal, columns: 80 }, { NO_COLOR: '1' });
  for (const progress of shown) log.show(progress);
  log.tell('undoing: replicas');
  log.end();
  return output;
}

describe('createProgressLog()', () => {
  test('tells each mark once where there is no terminal, and nothing else', () => {
    assert.equal(
      told(false, [early, early, late, late]),
      '     5.0 s  rollout begins\n     5.4 s  Deployment web wants 4\nundoing: replicas\n',
    );
  });

  test('keeps the state of the load below the marks on a terminal, and leaves no trace of it', () => {
    assert.equal(
      told(true, [early, late]),
      [
        '\r\x1b[2K     5.0 s  rollout begins\n\r\x1b[2K     5.3 s  2,100 requests  lost 0',
        '\r\x1b[2K     5.4 s  Deployment web wants 4\n\r\x1b[2K     5.5 s  2,200 requests  lost 1',
        '\r\x1b[2Kundoing: replicas\n\r\x1b[2K',
      ].join(''),
    );
  });
});
