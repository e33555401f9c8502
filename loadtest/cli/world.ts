/** A stream of text: standard output or standard error. */
export interface TextOutput {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where it is not one. */
  readonly columns: number;
}

/** All that a command touches outside itself, so that a test can hold it in its hand. */
export interface World {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. A second SIGINT or SIGTERM ends the process. */
  readonly interrupted: AbortSignal;
  /** Ms since the epoch. */
  nowMs(): number;
  /** `-` is standard input. */
  readText(path: string): Promise<string>;
  writeText(path: string, text: string): Promise<void>;
  /** Makes sure that `writeText` will be able to write there, and that nothing older is taken for its text. */
  prepareFile(path: string): Promise<void>;
}
