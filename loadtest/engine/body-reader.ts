/** What is kept of a body. */
export interface KeptParts {
  /** Bytes of its start. Infinity: all of it. */
  readonly startBytes: number;
  /** Bytes of its end. */
  readonly endBytes: number;
}

/** Keeps parts of one response's body while it arrives. */
export class BodyReader {
  readonly #parts: KeptParts;
  readonly #start: Buffer[] = [];
  #end = Buffer.alloc(0);
  #bytes = 0;

  constructor(parts: KeptParts) {
    this.#parts = parts;
  }

  /** Length of the body so far, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get start(): Buffer {
    return Buffer.concat(this.#start);
  }

  get end(): Buffer {
    return this.#end;
  }

  /** Takes the next bytes of the body. They are copied: a socket's buffer is overwritten by what comes next. */
  add(bytes: Buffer, from: number, to: number): void {
    const { startBytes, endBytes } = this.#parts;
    const until = Math.min(to, from + startBytes - this.#bytes);
    if (until > from) this.#start.push(Buffer.from(bytes.subarray(from, until)));
    if (endBytes > 0) {
      const added = bytes.subarray(Math.max(from, to - endBytes), to);
      const kept = this.#end.subarray(Math.max(0, this.#end.length + added.length - endBytes));
      this.#end = Buffer.concat([kept, added]);
    }
    this.#bytes += to - from;
  }
}
