import { write } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export interface LogSink {
  /** Takes one line; returns at once. */
  write(line: string): void;
  /** Resolves when everything taken so far is written, or cannot be. */
  flush(): Promise<void>;
  /** Lines given up because the reader of the output was too slow. */
  dropped(): number;
}

/** Text that waits this long is written, however little it is. */
const FLUSH_INTERVAL_MS = 50;
const FLUSH_LENGTH = 16_384;
const MAX_PENDING_LENGTH = 1024 * 1024;

/**
 * Buffers lines and writes them with asynchronous `fs.write`, one write at a time. `process.stdout` would not do:
 * Node writes to a pipe synchronously, so a log collector that stalls would stall the probes with it
 * (https://nodejs.org/api/process.html#a-note-on-process-io). Here it costs log lines, which are counted.
 */
export function createLogSink(fileDescriptor: number): LogSink {
  let pending = '';
  let pendingLines = 0;
  let droppedLines = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> | undefined;

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= drain().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  async function drain(): Promise<void> {
    while (pending !== '') {
      const chunk = Buffer.from(pending);
      const lines = pendingLines;
      pending = '';
      pendingLines = 0;
      if (!(await writeAll(fileDescriptor, chunk))) droppedLines += lines;
    }
  }

  return {
    write(line) {
      if (pending.length > MAX_PENDING_LENGTH) {
        droppedLines += 1;
        return;
      }
      pending += line;
      pendingLines += 1;
      if (pending.length >= FLUSH_LENGTH) void flush();
      else timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
    },
    flush,
    dropped: () => droppedLines,
  };
}

/** @returns false if the output is gone: its reader closed the pipe. */
async function writeAll(fileDescriptor: number, chunk: Buffer): Promise<boolean> {
  let offset = 0;
  while (offset < chunk.length) {
    const result = await new Promise<number | NodeJS.ErrnoException>((resolve) => {
      write(fileDescriptor, chunk, offset, chunk.length - offset, null, (error, written) =>
        resolve(error ?? written),
      );
    });
    if (typeof result === 'number') offset += result;
    else if (result.code === 'EAGAIN') await wait(10);
    else return false;
  }
  return true;
}
