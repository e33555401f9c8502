import { Worker } from 'node:worker_threads';

export interface Metronome {
  stop(): Promise<void>;
}

const IS_STOPPED = 0;
const IS_TICK_PENDING = 1;

/**
 * The worker's whole program, as text so that it survives any bundler. A tick not yet taken is not repeated:
 * a busy engine finds one waiting, not hundreds.
 */
const PROGRAM = `
const { parentPort, workerData: { cells, intervalMs } } = require('node:worker_threads');
while (Atomics.load(cells, ${IS_STOPPED}) === 0) {
  Atomics.wait(cells, ${IS_STOPPED}, 0, intervalMs);
  if (Atomics.exchange(cells, ${IS_TICK_PENDING}, 1) === 0) parentPort.postMessage(null);
}`;

/**
 * Calls `onTick` about every `intervalMs` (0.25 will do), from a worker thread of its own: timers of the event
 * loop count whole milliseconds, which would delay every request by 0.65 ms on average.
 */
export function createMetronome(intervalMs: number, onTick: () => void): Metronome {
  const cells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(PROGRAM, { eval: true, workerData: { cells, intervalMs } });
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  worker.on('message', () => {
    Atomics.store(cells, IS_TICK_PENDING, 0);
    onTick();
  });
  return {
    stop() {
      Atomics.store(cells, IS_STOPPED, 1);
      Atomics.notify(cells, IS_STOPPED);
      return exited;
    },
  };
}
