import type { Exit } from './exit-code.ts';

interface FaultDetails {
  /** Default: `usage`. */
  readonly exit?: Extract<Exit, 'usage' | 'inconclusive'>;
  /** If a server refused or did not respond: its HTTP status; null: no response. */
  readonly httpStatus?: number | null;
  /** What was done to the target and could not be undone, in words. */
  readonly leftBehind?: readonly string[];
}

/**
 * Why a command ends without a result: the one error that is thrown on purpose. The message is for the user; its
 * first line names the value, the place and the fix. `runCli` prints it and ends with the exit code: `usage` where
 * the caller can fix it and nothing was run, `inconclusive` where nothing could be found out. Any other error is a
 * fault of this program.
 */
export class Fault extends Error {
  override name = 'Fault';
  readonly exit: Extract<Exit, 'usage' | 'inconclusive'>;
  readonly httpStatus: number | null | undefined;
  readonly leftBehind: readonly string[];

  constructor(message: string, { exit = 'usage', httpStatus, leftBehind = [] }: FaultDetails = {}) {
    super(message);
    this.exit = exit;
    this.httpStatus = httpStatus;
    this.leftBehind = leftBehind;
  }
}
