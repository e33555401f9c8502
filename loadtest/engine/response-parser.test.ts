import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BodyReader, type KeptParts } from './body-reader.ts';
import { type ResponseLimits, ResponseParser } from './response-parser.ts';

const LIMITS: ResponseLimits = { maxLineBytes: 64, maxHeadBytes: 256, maxFields: 8, maxBodyBytes: 1000 };

/** Everything a caller can see of one response, and what follows it on the connection. */
interface Reading {
  ending: 'complete' | 'complete at close' | 'incomplete' | 'refused';
  status: number | null;
  values: (string | null)[];
  isPersistent: boolean | null;
  bytesReceived: number | null;
  complaint: string | null;
  excess: string;
}

function read(pieces: readonly Buffer[], method = 'GET', limits = LIMITS): Reading {
  const parser = new ResponseParser(limits, ['x-pod', 'x-version']);
  parser.begin(method);
  let excess = '';
  for (const piece of pieces) {
    const consumed = parser.isComplete || parser.isRefused ? 0 : parser.push(piece);
    if (parser.isComplete) excess += piece.toString('latin1', consumed);
  }
  const isCompleteAtOnce = parser.isComplete;
  parser.end();
  const { isComplete, isRefused, status, values, complaint } = parser;
  return {
    ending: isRefused
      ? 'refused'
      : isCompleteAtOnce
        ? 'complete'
        : isComplete
          ? 'complete at close'
          : 'incomplete',
    status,
    values,
    isPersistent: isComplete ? parser.isPersistent : null,
    bytesReceived: isRefused ? null : parser.bytesReceived,
    complaint,
    excess,
  };
}

const whole = (text: string, method?: string, limits?: ResponseLimits) =>
  read([Buffer.from(text, 'latin1')], method, limits);

function splitEverywhere(bytes: Buffer): Buffer[][] {
  const splits = [Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))];
  for (let at = 1; at < bytes.length; at += 1) splits.push([bytes.subarray(0, at), bytes.subarray(at)]);
  return splits;
}

interface Case {
  name: string;
  text: string;
  method?: string;
  ending: Reading['ending'];
  status?: number | null;
  isPersistent?: boolean;
  complaint?: RegExp;
  excess?: string;
}

const CASES: Case[] = [
  {
    name: 'Content-Length',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    ending: 'complete',
    isPersistent: true,
  },
  { name: 'an empty body', text: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ending: 'complete' },
  {
    name: 'an empty reason',
    text: 'HTTP/1.1 503 \r\ncontent-length:0\r\n\r\n',
    ending: 'complete',
    status: 503,
  },
  {
    name: 'obs-text in reason and value',
    text: 'HTTP/1.1 200 \xe4\r\nX: \xff\r\nContent-Length: 0\r\n\r\n',
    ending: 'complete',
  },
  {
    name: 'chunks',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n',
    ending: 'complete',
    isPersistent: true,
  },
  {
    name: 'chunk extensions, leading zeros and trailers',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n003;a;b=c ; d = "e\\";\\""\r\nabc\r\n000\r\nContent-Length: 9\r\nT: x\r\n\r\n',
    ending: 'complete',
    isPersistent: true,
  },
  {
    name: 'a body until close',
    text: 'HTTP/1.1 200 OK\r\n\r\nanything\r\n',
    ending: 'complete at close',
    isPersistent: false,
  },
  {
    name: 'Connection: close',
    text: 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n',
    ending: 'complete',
    isPersistent: false,
  },
  {
    name: 'HTTP/1.0',
    text: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    ending: 'complete',
    isPersistent: false,
  },
  {
    name: 'HTTP/1.0 kept alive',
    text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
    ending: 'complete',
    isPersistent: true,
  },
  {
    name: '204, whatever its fields',
    text: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    ending: 'complete',
    status: 204,
  },
  {
    name: '304',
    text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    ending: 'complete',
    status: 304,
  },
  {
    name: 'HEAD',
    method: 'HEAD',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ending: 'complete',
  },
  {
    name: '100 and 103 before the response',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nConnection: close\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!',
    ending: 'complete',
    isPersistent: true,
  },
  {
    name: 'two responses',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200',
    ending: 'complete',
    excess: 'HTTP/1.1 200',
  },
  {
    name: 'a body after 204',
    text: 'HTTP/1.1 204 No\r\n\r\nbody',
    ending: 'complete',
    status: 204,
    excess: 'body',
  },

  { name: 'nothing', text: '', ending: 'incomplete', status: null },
  { name: 'an interim answer only', text: 'HTTP/1.1 100 \r\n\r\n', ending: 'incomplete', status: null },
  { name: 'half a status line', text: 'HTTP/1.1 20', ending: 'incomplete', status: null },
  { name: 'half a head', text: 'HTTP/1.1 200 OK\r\nContent-Le', ending: 'incomplete' },
  {
    name: 'a short body',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi',
    ending: 'incomplete',
  },
  {
    name: 'chunks without the last',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    ending: 'incomplete',
  },
  {
    name: 'the last chunk without its empty line',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
    ending: 'incomplete',
  },

  {
    name: 'another protocol',
    text: 'SSH-2.0-x\r\n',
    ending: 'refused',
    status: null,
    complaint: /start with HTTP/,
  },
  {
    name: 'another protocol without a line',
    text: 'x',
    ending: 'refused',
    status: null,
    complaint: /start with HTTP/,
  },
  { name: 'HTTP/2', text: 'HTTP/2 200\r\n', ending: 'refused', status: null, complaint: /start with HTTP/ },
  {
    name: 'HTTP/1.2',
    text: 'HTTP/1.2 200 OK\r\n',
    ending: 'refused',
    status: null,
    complaint: /status line/,
  },
  {
    name: 'an empty line first',
    text: '\r\nHTTP/1.1 200 OK\r\n',
    ending: 'refused',
    status: null,
    complaint: /start/,
  },
  {
    name: 'status 99',
    text: 'HTTP/1.1 099 OK\r\n',
    ending: 'refused',
    status: null,
    complaint: /status line/,
  },
  {
    name: 'status 600',
    text: 'HTTP/1.1 600 OK\r\n',
    ending: 'refused',
    status: null,
    complaint: /status line/,
  },
  {
    name: 'a status of four digits',
    text: 'HTTP/1.1 2000 OK\r\n',
    ending: 'refused',
    status: null,
    complaint: /status line/,
  },
  {
    name: 'no space after the status',
    text: 'HTTP/1.1 200\r\n',
    ending: 'refused',
    status: null,
    complaint: /status line/,
  },
  {
    name: '101',
    text: 'HTTP/1.1 101 Switch\r\n\r\n',
    ending: 'refused',
    status: null,
    complaint: /switch protocols/,
  },
  { name: 'a bare LF', text: 'HTTP/1.1 200 OK\n', ending: 'refused', status: null, complaint: /CRLF/ },
  { name: 'a bare CR', text: 'HTTP/1.1 200 OK\rX', ending: 'refused', status: null, complaint: /CRLF/ },
  {
    name: 'NUL in a value',
    text: 'HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n',
    ending: 'refused',
    complaint: /control character/,
  },
  {
    name: 'a bare LF after a field',
    text: 'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n',
    ending: 'refused',
    complaint: /CRLF/,
  },
  {
    name: 'obs-fold',
    text: 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    ending: 'refused',
    complaint: /field name/,
  },
  {
    name: 'a space before the colon',
    text: 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    ending: 'refused',
    complaint: /field name/,
  },
  {
    name: 'an empty field name',
    text: 'HTTP/1.1 200 OK\r\n: b\r\n\r\n',
    ending: 'refused',
    complaint: /field name/,
  },
  { name: 'no colon', text: 'HTTP/1.1 200 OK\r\nA\r\n\r\n', ending: 'refused', complaint: /field name/ },
  {
    name: 'Content-Length and chunked',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    ending: 'refused',
    complaint: /both/,
  },
  {
    name: 'two Content-Lengths',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n',
    ending: 'refused',
    complaint: /more than one/,
  },
  ...['', '-1', '+1', '1x', '0x1', '1, 1', '1.0', '1234567890123456'].map(
    (value): Case => ({
      name: `Content-Length: ${value}`,
      text: `HTTP/1.1 200 OK\r\nContent-Length: ${value}\r\n\r\n`,
      ending: 'refused',
      complaint: /malformed Content-Length/,
    }),
  ),
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'chunked;q=1', 'identity', ''].map(
    (value): Case => ({
      name: `Transfer-Encoding: ${value}`,
      text: `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${value}\r\n\r\n`,
      ending: 'refused',
      complaint: /other than one chunked/,
    }),
  ),
  {
    name: 'chunked twice',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    ending: 'refused',
    complaint: /other than one chunked/,
  },
  {
    name: 'chunked in HTTP/1.0',
    text: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ending: 'refused',
    complaint: /HTTP\/1\.0/,
  },
  ...['', 'g', '-1', '0x1', ' 1', '1 ', '1;', '1;=b', '1;a="', '10000000000000'].map(
    (size): Case => ({
      name: `chunk size "${size}"`,
      text: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n`,
      ending: 'refused',
      complaint: size.length > 13 ? /chunk size/ : /chunk size|body longer/,
    }),
  ),
  {
    name: 'a chunk longer than its size',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n',
    ending: 'refused',
    complaint: /longer than its size/,
  },
  {
    name: 'a malformed trailer',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n a: b\r\n\r\n',
    ending: 'refused',
    complaint: /field name/,
  },
];

describe('ResponseParser', () => {
  for (const { name, text, method, ending, status = 200, isPersistent, complaint, excess = '' } of CASES) {
    test(`${ending}: ${name}, in one piece and split at every byte`, () => {
      const reading = whole(text, method);
      assert.equal(reading.ending, ending, reading.complaint ?? '');
      assert.equal(reading.status, status);
      if (isPersistent !== undefined) assert.equal(reading.isPersistent, isPersistent);
      assert.match(reading.complaint ?? '', complaint ?? /^$/);
      assert.equal(reading.excess, excess);
      if (ending !== 'refused') assert.equal(reading.bytesReceived, text.length - excess.length);
      for (const pieces of splitEverywhere(Buffer.from(text, 'latin1'))) {
        assert.deepEqual(read(pieces, method), reading);
      }
    });
  }

  test('keeps the wanted values of the response, whatever their case, without blanks, the last one of each', () => {
    const { values } = whole(
      'HTTP/1.1 200 OK\r\nX-POD:\t a b \r\nX-Pad: no\r\nx-pod: c\r\nContent-Length: 0\r\n\r\n',
    );
    assert.deepEqual(values, ['c', null]);
  });

  test('begins each response anew', () => {
    const parser = new ResponseParser(LIMITS, ['x-pod']);
    parser.begin('GET');
    parser.push(Buffer.from('HTTP/1.1 200 OK\r\nX-Pod: a\r\nConnection: close\r\nContent-Length: 900\r\n'));
    parser.begin('GET');
    const answer = Buffer.from('HTTP/1.1 404 No\r\nContent-Length: 900\r\n\r\n'.padEnd(940, '.'));
    assert.equal(parser.push(answer), answer.length);
    assert.deepEqual(
      [parser.isComplete, parser.isPersistent, parser.status, parser.values, parser.bytesReceived],
      [true, true, 404, [null], answer.length],
    );
  });

  describe('holds every limit', () => {
    const head = 'HTTP/1.1 200 OK\r\n';
    const field = (length: number) => `${'x: '.padEnd(length - 2, 'v')}\r\n`;
    const limits: [keyof ResponseLimits, RegExp, number, (length: number) => string][] = [
      ['maxLineBytes', /^line longer/, 64, (n) => `${'HTTP/1.1 200 '.padEnd(n - 2, 'r')}\r\n`],
      ['maxLineBytes', /^line longer/, 64, (n) => `${head}${field(n)}`],
      ['maxLineBytes', /^line longer/, 64, (n) => `${head}${'x'.repeat(n)}`],
      [
        'maxLineBytes',
        /^line longer/,
        64,
        (n) => `${head}Transfer-Encoding: chunked\r\n\r\n${'1;'.padEnd(n - 2, 'e')}\r\n`,
      ],
      [
        'maxHeadBytes',
        /^head longer/,
        256,
        (n) => `${head}${field(60).repeat(3)}${field(n - 17 - 180 - 2)}\r\n`,
      ],
      ['maxFields', /^more than/, 8, (n) => head + 'a: b\r\n'.repeat(n)],
      [
        'maxFields',
        /^more than/,
        8,
        (n) => `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(n - 1)}`,
      ],
      ['maxBodyBytes', /^body longer/, 1000, (n) => `${head}Content-Length: ${n}\r\n\r\n`],
      ['maxBodyBytes', /^body longer/, 1000, (n) => `${head}\r\n${'b'.repeat(n)}`],
      [
        'maxBodyBytes',
        /^body longer/,
        1000,
        (n) =>
          `${head}Transfer-Encoding: chunked\r\n\r\n64\r\n${'b'.repeat(100)}\r\n${(n - 100).toString(16)}\r\n`,
      ],
    ];
    for (const [limit, complaint, at, make] of limits) {
      test(`${limit}: ${at} and not ${at + 1}, ${JSON.stringify(make(at).slice(-20))}`, () => {
        assert.equal(whole(make(at)).complaint, null);
        assert.match(whole(make(at + 1)).complaint ?? '', complaint);
        for (const pieces of splitEverywhere(Buffer.from(make(at + 1)))) {
          assert.match(read(pieces).complaint ?? '', complaint);
        }
      });
    }

    test('interim responses share one head limit', () => {
      assert.match(whole('HTTP/1.1 100 \r\n\r\n'.repeat(20)).complaint ?? '', /^head longer/);
    });
  });

  describe('properties', () => {
    const limits = { maxLineBytes: 4096, maxHeadBytes: 16_384, maxFields: 50, maxBodyBytes: 1e6 };
    const text = fc.string({ unit: fc.constantFrom(...'aZ09 \t;:="\xe9-'), maxLength: 12 });
    const body = fc.string({ unit: fc.constantFrom(...'ab\r\n0HTP/1. :'), maxLength: 60 });
    const fields = fc
      .array(fc.tuple(fc.constantFrom('X-Pod', 'x-version', 'Date', 'X-Other'), text), { maxLength: 4 })
      .map((pairs) => pairs.map(([name, value]) => `${name}:${value}\r\n`).join(''));
    const interim = fc
      .array(fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 \r\nX-Pod: early\r\n\r\n'), {
        maxLength: 2,
      })
      .map((heads) => heads.join(''));
    const framed = fc.oneof(
      body.map((b) => `Content-Length: ${b.length}\r\n\r\n${b}`),
      fc.tuple(fc.array(body.filter((b) => b !== '')), fields).map(([chunks, trailers]) => {
        const data = chunks.map((chunk) => `${chunk.length.toString(16)};e=1\r\n${chunk}\r\n`).join('');
        return `Transfer-Encoding: chunked\r\n\r\n${data}0\r\n${trailers}\r\n`;
      }),
    );
    const answer = fc
      .tuple(interim, fc.constantFrom(200, 302, 404, 503), text, fields, framed)
      .map(([before, status, reason, lines, rest]) =>
        Buffer.from(`${before}HTTP/1.1 ${status} ${reason}\r\n${lines}${rest}`, 'latin1'),
      );
    const cuts = fc.array(fc.nat(), { maxLength: 8 });

    function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
      const at = [0, ...positions.map((n) => n % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
    }

    test('every well-formed answer is complete and reads the same split at every byte', () => {
      fc.assert(
        fc.property(answer, (bytes) => {
          const reading = read([bytes], 'GET', limits);
          assert.equal(reading.ending, 'complete', reading.complaint ?? '');
          assert.equal(reading.bytesReceived, bytes.length);
          for (const pieces of splitEverywhere(bytes)) {
            assert.deepEqual(read(pieces, 'GET', limits), reading);
          }
        }),
        { numRuns: 200 },
      );
    });

    test('every beginning of a response is incomplete, never complete or refused', () => {
      fc.assert(
        fc.property(answer, fc.nat(), (bytes, length) => {
          const reading = read([bytes.subarray(0, length % bytes.length)], 'GET', limits);
          assert.equal(reading.ending, 'incomplete');
        }),
      );
    });

    test('a response with any of its bytes changed ends the same way in any pieces', () => {
      fc.assert(
        fc.property(
          answer,
          cuts,
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
          (bytes, at, changes) => {
            for (const [position, octet] of changes) bytes[position % bytes.length] = octet;
            assert.deepEqual(read(cut(bytes, at), 'GET', limits), read([bytes], 'GET', limits));
          },
        ),
        { numRuns: 2000 },
      );
    });

    test('garbage ends the same way in any pieces, and nothing throws', () => {
      const garbage = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc
          .uint8Array({ maxLength: 300 })
          .map((bytes) => Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), bytes])),
        fc
          .string({
            unit: fc.constantFrom('HTTP/1.1 200 ', '\r\n', '\r', '\n', ':', 'a', '0', 'f', ' ', ';'),
            maxLength: 60,
          })
          .map((s) => Buffer.from(s)),
      );
      fc.assert(
        fc.property(garbage, cuts, (bytes, at) => {
          const buffer = Buffer.from(bytes);
          assert.deepEqual(read(cut(buffer, at)), read([buffer]));
        }),
        { numRuns: 2000 },
      );
    });
  });
});

describe('the body', () => {
  const KEPT = { startBytes: 6, endBytes: 3 };
  function readParts(
    pieces: readonly Buffer[],
    kept: KeptParts,
  ): [start: string, end: string, bytes: number] {
    const parser = new ResponseParser(LIMITS, []);
    const body = new BodyReader(kept);
    parser.begin('GET', body);
    for (const piece of pieces) {
      // As a socket's buffer, it is overwritten by what comes next.
      const buffer = Buffer.from(piece);
      parser.push(buffer);
      buffer.fill(0);
    }
    return [body.start.toString(), body.end.toString(), body.bytes];
  }

  for (const [what, text, start, end, bytes] of [
    ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi', 'abcdef', 'ghi', 9],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n',
      'abcdef',
      'fgh',
      8,
    ],
    ['until the connection closes', 'HTTP/1.1 200 OK\r\n\r\nabcdefghi', 'abcdef', 'ghi', 9],
    ['shorter than what is kept', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', 'ab', 'ab', 2],
  ] as const) {
    test(`is kept at its start and end, ${what}, in whatever pieces it comes`, () => {
      const response = Buffer.from(text);
      for (const pieces of [[response], ...splitEverywhere(response)]) {
        assert.deepEqual(readParts(pieces, KEPT), [start, end, bytes]);
      }
      assert.deepEqual(readParts([response], { startBytes: 0, endBytes: 0 }), ['', '', bytes]);
      const [whole] = readParts([response], { startBytes: Number.POSITIVE_INFINITY, endBytes: 0 });
      assert.equal(whole, 'abcdefghi'.slice(0, bytes));
    });
  }

  test('is that of the response it was given for', () => {
    const parser = new ResponseParser(LIMITS, []);
    const readers = ['first', 'last'].map((text) => {
      const body = new BodyReader(KEPT);
      parser.begin('GET', body);
      parser.push(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`));
      return body.start.toString();
    });
    assert.deepEqual(readers, ['first', 'last']);
  });
});
