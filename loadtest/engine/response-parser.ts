import type { BodyReader } from './body-reader.ts';

/** The most that is read of one answer before it is refused. */
export interface ResponseLimits {
  /** One status, field, trailer or chunk-size line, its CRLF included. */
  readonly maxLineBytes: number;
  /** All heads, interim ones included, and the trailers of one response. */
  readonly maxHeadBytes: number;
  /** Field lines of all heads and trailers of one response. */
  readonly maxFields: number;
  readonly maxBodyBytes: number;
}

/** Far beyond what any response of a service under test needs, and small enough to hold a thousand of them. */
export const RESPONSE_LIMITS: ResponseLimits = {
  maxLineBytes: 16_384,
  maxHeadBytes: 65_536,
  maxFields: 256,
  maxBodyBytes: 16 * 1_024 * 1_024,
};

/** Why a response was refused: the message names the fault and its place in the standard. */
class Refusal extends Error {}

type State =
  | 'status-line'
  | 'fields'
  | 'body'
  | 'body-until-close'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'
  | 'complete'
  | 'refused';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const CRLF_BYTES = 2;
const VERSION_PREFIX = Buffer.from('HTTP/1.');

/** tchar, RFC 9110 §5.6.2: what a field name is made of. */
const IS_TOKEN = toTable("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
/** HTAB, SP, VCHAR and obs-text, RFC 9110 §5.5: what field values and reason phrases are made of. */
const IS_TEXT = toTable(
  String.fromCharCode(TAB, ...Array.from({ length: 256 }, (_, octet) => octet).filter(isPrintable)),
);

/** Each of these lengths makes a field name worth a look: connection, content-length, transfer-encoding. */
const FRAMING_NAME_LENGTHS = [10, 14, 17];

const STATUS_LINE_REST = /^([01]) ([1-5]\d\d) /;
const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
/** chunk-size [ chunk-ext ], RFC 9112 §7.1; 13 hexadecimal digits stay below 2^53. */
const CHUNK_SIZE = new RegExp(
  `^0*([\\dA-Fa-f]{1,13})(?:[\\t ]*;[\\t ]*${TOKEN}(?:[\\t ]*=[\\t ]*(?:${TOKEN}|${QUOTED}))?)*$`,
);

/**
 * Reads the responses of one connection, one at a time, in whatever pieces they arrive. Strict: what RFC 9112
 * calls an error, or leaves to the reader's mercy, is refused. Bodies are counted, and kept by `body` alone.
 */
export class ResponseParser {
  readonly #limits: ResponseLimits;
  readonly #wanted: readonly string[];
  readonly #nameLengths: ReadonlySet<number>;

  #state: State = 'complete';
  #isHead = false;
  /** The start of a line whose end has not arrived yet. */
  #carry: Buffer | null = null;
  /** Bytes still to come of the body or of the chunk. */
  #remaining = 0;
  #headBytes = 0;
  #fields = 0;
  #bodyBytes = 0;
  #minorVersion = 1;
  #code = 0;
  #contentLength: number | null = null;
  #isChunked = false;
  #isClose = false;
  #isKeepAlive = false;

  /** Of the final response, as soon as its status line is there; interim (1xx) ones are not shown. */
  status: number | null = null;
  /** Bytes of this response: heads, framing and body. After a refusal, also what arrived with the fault. */
  bytesReceived = 0;
  /** The last value of each wanted field, in the order they were asked for. */
  values: (string | null)[];
  /** What is wrong with the response. */
  complaint: string | null = null;
  /** Keeps the body, or parts of it; null: it is not kept. */
  body: BodyReader | null = null;

  /** @param wanted lower-case names of the fields whose values are kept */
  constructor(limits: ResponseLimits, wanted: readonly string[]) {
    this.#limits = limits;
    this.#wanted = wanted;
    this.#nameLengths = new Set([...FRAMING_NAME_LENGTHS, ...wanted.map((name) => name.length)]);
    this.values = wanted.map(() => null);
  }

  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  get isRefused(): boolean {
    return this.#state === 'refused';
  }

  /** May the connection be used again? RFC 9112 §9.3. To be asked when the response is complete. */
  get isPersistent(): boolean {
    return !this.#isClose && (this.#minorVersion === 1 || this.#isKeepAlive);
  }

  /**
   * Expects the response to a request with this method.
   * @param body takes its body
   */
  begin(method: string, body: BodyReader | null = null): void {
    this.body = body;
    this.#state = 'status-line';
    this.#isHead = method === 'HEAD';
    this.#carry = null;
    this.#headBytes = 0;
    this.#fields = 0;
    this.#bodyBytes = 0;
    this.#isClose = false;
    this.status = null;
    this.bytesReceived = 0;
    this.values = this.#wanted.map(() => null);
    this.complaint = null;
  }

  /**
   * Takes the next bytes of the connection.
   * @returns how many of them belong to this response: fewer than given only when it is complete
   */
  push(chunk: Buffer): number {
    const carried = this.#carry === null ? 0 : this.#carry.length;
    const bytes = this.#carry === null ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#carry = null;
    try {
      const consumed = this.#consume(bytes) - carried;
      this.bytesReceived += consumed;
      return consumed;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#state = 'refused';
      this.complaint = error.message;
      this.bytesReceived += chunk.length;
      return chunk.length;
    }
  }

  /** The server closed its side. Completes a response that is delimited by that, and no other. */
  end(): void {
    if (this.#state === 'body-until-close') this.#state = 'complete';
  }

  #consume(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === at) break;
      if (next < 0) {
        this.#carry = Buffer.from(bytes.subarray(at));
        return bytes.length;
      }
      at = next;
    }
    return at;
  }

  /** Reads one line, or one piece of body. Returns where the next one starts; below 0: the line has no end yet. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'status-line':
        return this.#statusLine(bytes, at);
      case 'fields':
      case 'trailers':
        return this.#fieldLine(bytes, at);
      case 'body':
      case 'chunk-data':
        return this.#data(bytes, at);
      case 'body-until-close':
        this.#countBody(bytes.length - at);
        this.body?.add(bytes, at, bytes.length);
        return bytes.length;
      case 'chunk-size':
        return this.#chunkSize(bytes, at);
      case 'chunk-end':
        return this.#chunkEnd(bytes, at);
      case 'complete':
      case 'refused':
        return at;
    }
  }

  /** status-line = HTTP-version SP status-code SP [ reason-phrase ], RFC 9112 §4. */
  #statusLine(bytes: Buffer, at: number): number {
    const seen = Math.min(bytes.length - at, VERSION_PREFIX.length);
    if (VERSION_PREFIX.compare(bytes, at, at + seen, 0, seen) !== 0) {
      throw new Refusal('the response does not start with HTTP/1. (RFC 9112 §2.3)');
    }
    const end = this.#textEnd(bytes, at);
    if (end < 0) return end;
    const match = STATUS_LINE_REST.exec(bytes.toString('latin1', at + VERSION_PREFIX.length, at + 14));
    if (match === null) throw new Refusal('malformed status line (RFC 9112 §4)');
    this.#countHead(end + CRLF_BYTES - at);
    this.#minorVersion = match[1] === '1' ? 1 : 0;
    this.#code = Number(match[2]);
    this.status = this.#code < 200 ? null : this.#code;
    this.#contentLength = null;
    this.#isChunked = false;
    this.#isClose = false;
    this.#isKeepAlive = false;
    this.#state = 'fields';
    return end + CRLF_BYTES;
  }

  /** field-line = field-name ":" OWS field-value OWS, RFC 9112 §5; or the empty line after the last of them. */
  #fieldLine(bytes: Buffer, at: number): number {
    let colon = at;
    while (IS_TOKEN[bytes[colon] ?? 0] === 1) colon += 1;
    if (colon === bytes.length) return this.#incomplete(bytes, at);
    if (colon === at && bytes[at] === CR) return this.#emptyLine(bytes, at);
    if (colon === at || bytes[colon] !== COLON) {
      // Also what obs-fold and a space before the colon come to: both have let smugglers through.
      throw new Refusal('malformed field name (RFC 9112 §5.1, §5.2)');
    }
    const end = this.#textEnd(bytes, colon + 1, at);
    if (end < 0) return end;
    this.#countHead(end + CRLF_BYTES - at);
    this.#fields += 1;
    if (this.#fields > this.#limits.maxFields)
      throw new Refusal(`more than ${this.#limits.maxFields} fields`);
    // Trailers carry nothing that is wanted here, and must not change the framing (RFC 9110 §6.5.1).
    if (this.#state === 'fields' && this.#nameLengths.has(colon - at)) {
      this.#field(bytes.toString('latin1', at, colon).toLowerCase(), toValue(bytes, colon + 1, end));
    }
    return end + CRLF_BYTES;
  }

  #field(name: string, value: string): void {
    switch (name) {
      case 'content-length':
        // A repeated one may be accepted if all agree (RFC 9110 §8.6); refusing is the other choice given.
        if (this.#contentLength !== null) throw new Refusal('more than one Content-Length (RFC 9112 §6.3)');
        if (!/^\d{1,15}$/.test(value)) throw new Refusal('malformed Content-Length (RFC 9112 §6.2)');
        this.#contentLength = Number(value);
        break;
      case 'transfer-encoding':
        // Nothing but chunked was offered: RFC 9112 §6.1, §7.4.
        if (this.#isChunked || value.toLowerCase() !== 'chunked') {
          throw new Refusal('Transfer-Encoding other than one chunked (RFC 9112 §6.1)');
        }
        this.#isChunked = true;
        break;
      case 'connection':
        for (const option of value.toLowerCase().split(',')) {
          this.#isClose ||= option.trim() === 'close';
          this.#isKeepAlive ||= option.trim() === 'keep-alive';
        }
        break;
    }
    const wanted = this.#wanted.indexOf(name);
    if (wanted >= 0) this.values[wanted] = value;
  }

  #emptyLine(bytes: Buffer, at: number): number {
    const end = this.#lineEnd(bytes, at, at);
    if (end < 0) return end;
    this.#countHead(CRLF_BYTES);
    this.#state = this.#state === 'trailers' ? 'complete' : this.#afterHead();
    return end + CRLF_BYTES;
  }

  /** The length of the body, RFC 9112 §6.3, in the order of its rules. */
  #afterHead(): State {
    if (this.#isChunked && this.#contentLength !== null) {
      throw new Refusal('both Transfer-Encoding and Content-Length (RFC 9112 §6.3)');
    }
    if (this.#isChunked && this.#minorVersion === 0) {
      throw new Refusal('Transfer-Encoding in an HTTP/1.0 answer (RFC 9112 §6.1)');
    }
    if (this.#code === 101) throw new Refusal('101 without a request to switch protocols (RFC 9110 §15.2.2)');
    if (this.#code < 200) return 'status-line';
    if (this.#isHead || this.#code === 204 || this.#code === 304) return 'complete';
    if (this.#isChunked) return 'chunk-size';
    if (this.#contentLength === null) {
      this.#isClose = true;
      return 'body-until-close';
    }
    return this.#expect(this.#contentLength, 'body');
  }

  /** chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF, RFC 9112 §7.1. */
  #chunkSize(bytes: Buffer, at: number): number {
    const end = this.#textEnd(bytes, at);
    if (end < 0) return end;
    const match = CHUNK_SIZE.exec(bytes.toString('latin1', at, end));
    if (match === null) throw new Refusal('malformed chunk size or extension (RFC 9112 §7.1)');
    const size = Number.parseInt(match[1] ?? '', 16);
    this.#state = size === 0 ? 'trailers' : this.#expect(size, 'chunk-data');
    return end + CRLF_BYTES;
  }

  #chunkEnd(bytes: Buffer, at: number): number {
    if (bytes[at] !== CR) throw new Refusal('chunk longer than its size (RFC 9112 §7.1)');
    const end = this.#lineEnd(bytes, at, at);
    if (end < 0) return end;
    this.#state = 'chunk-size';
    return end + CRLF_BYTES;
  }

  #data(bytes: Buffer, at: number): number {
    const length = Math.min(bytes.length - at, this.#remaining);
    this.#remaining -= length;
    this.body?.add(bytes, at, at + length);
    if (this.#remaining === 0) this.#state = this.#state === 'body' ? 'complete' : 'chunk-end';
    return at + length;
  }

  #expect(length: number, state: 'body' | 'chunk-data'): State {
    this.#countBody(length);
    this.#remaining = length;
    return length === 0 ? 'complete' : state;
  }

  #countBody(length: number): void {
    this.#bodyBytes += length;
    if (this.#bodyBytes > this.#limits.maxBodyBytes) {
      throw new Refusal(`body longer than ${this.#limits.maxBodyBytes} bytes`);
    }
  }

  #countHead(length: number): void {
    this.#headBytes += length;
    if (this.#headBytes > this.#limits.maxHeadBytes) {
      throw new Refusal(`head longer than ${this.#limits.maxHeadBytes} bytes`);
    }
  }

  /** The end of the text that starts at `from`, in the line that starts at `lineStart`. */
  #textEnd(bytes: Buffer, from: number, lineStart = from): number {
    let end = from;
    while (IS_TEXT[bytes[end] ?? 0] === 1) end += 1;
    if (end === bytes.length) return this.#incomplete(bytes, lineStart);
    return this.#lineEnd(bytes, end, lineStart);
  }

  /** Requires CRLF at `end`: a bare CR or LF is not a line's end (RFC 9112 §2.2 leaves LF to the reader). */
  #lineEnd(bytes: Buffer, end: number, lineStart: number): number {
    if (bytes[end] !== CR || (end + 1 < bytes.length && bytes[end + 1] !== LF)) {
      throw new Refusal('control character, or a line not ended by CRLF (RFC 9112 §2.2, RFC 9110 §5.5)');
    }
    if (end + 1 === bytes.length) return this.#incomplete(bytes, lineStart);
    this.#checkLine(end + CRLF_BYTES - lineStart);
    return end;
  }

  #incomplete(bytes: Buffer, lineStart: number): number {
    this.#checkLine(bytes.length - lineStart);
    return -1;
  }

  #checkLine(length: number): void {
    if (length > this.#limits.maxLineBytes) {
      throw new Refusal(`line longer than ${this.#limits.maxLineBytes} bytes`);
    }
  }
}

function toValue(bytes: Buffer, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start])) start += 1;
  while (end > start && isBlank(bytes[end - 1])) end -= 1;
  return bytes.toString('latin1', start, end);
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

function isPrintable(octet: number): boolean {
  return octet >= SPACE && octet !== 0x7f;
}

function toTable(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
