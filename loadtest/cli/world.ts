import type { ProgramName } from './program-name.ts';

/** A stream of text: standard output or standard error. */
export interface TextOutput {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where it is not one. */
  readonly columns: number;
}

/** A process that sends a part of a load from where it is. */
export interface Sender {
  /** Where that is, for example the name of a node. */
  readonly from: string;
  readonly host: string;
  readonly port: number;
  /** Known to it and to whoever may use it. */
  readonly secret: string;
}

/** Everything that a command touches outside itself, so that a test can supply it. */
export interface World {
  /** What the user calls this program by. */
  readonly program: ProgramName;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. A second SIGINT or SIGTERM ends the process. */
  readonly interrupted: AbortSignal;
  /** Who sends loads; none: this process. */
  readonly senders: readonly Sender[];
  /** Ms since the epoch. */
  nowMs(): number;
  /**
   * `-` is standard input.
   * @param encoding [utf8]; latin1: a character for each byte
   */
  readText(path: string, encoding?: 'utf8' | 'latin1'): Promise<string>;
  writeText(path: string, text: string): Promise<void>;
  /** Adds to the end of a file, which it makes where there is none. */
  appendText(path: string, text: string): Promise<void>;
  /** Makes sure that `writeText` and `appendText` can write there, and that no older text is mistaken for theirs. */
  prepareFile(path: string): Promise<void>;
}
