import { Worker } from 'node:worker_threads';

export interface Alarm {
  stop(): Promise<void>;
}

/** The first shared cell: ring when the wait is over, wait to be set again, or end. */
const STATE = 0;
const SET = 0;
const RUNG = 1;
const STOPPED = 2;
/** The second: how long to wait. A span and not a moment, since threads do not share a clock's origin on Bun. */
const WAIT_US = 1;
const MAX_WAIT_US = 2 ** 31 - 1;

/** The worker's whole program, as text so that it survives any bundler. */
const PROGRAM = `
const { parentPort, workerData: cells } = require('node:worker_threads');
for (let state = ${SET}; state !== ${STOPPED}; state = Atomics.load(cells, ${STATE})) {
  if (state === ${SET}) Atomics.wait(cells, ${STATE}, ${SET}, Atomics.load(cells, ${WAIT_US}) / 1000);
  if (Atomics.compareExchange(cells, ${STATE}, ${SET}, ${RUNG}) === ${SET}) parentPort.postMessage(null);
  Atomics.wait(cells, ${STATE}, ${RUNG});
}`;

/**
 * Calls `onRing` at once, and then each time after the ms that it returned (half an hour at most); null: never
 * again. A worker thread does the waiting, since it can wait for fractions of a millisecond: timers of the event loop count whole ones,
 * which would delay every request by 0.65 ms on average.
 */
export function createAlarm(onRing: () => number | null): Alarm {
  const cells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(PROGRAM, { eval: true, workerData: cells });
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });

  worker.on('message', () => {
    const waitMs = onRing();
    if (waitMs === null) return;
    Atomics.store(cells, WAIT_US, Math.min(MAX_WAIT_US, Math.max(0, Math.ceil(waitMs * 1000))));
    if (Atomics.compareExchange(cells, STATE, RUNG, SET) === RUNG) Atomics.notify(cells, STATE);
  });

  return {
    stop() {
      Atomics.store(cells, STATE, STOPPED);
      Atomics.notify(cells, STATE);
      return exited;
    },
  };
}
