import type { Socket } from 'node:net';
import type { Outcome } from '../../loadtest/engine/outcome.ts';

/** One request as a hostile server received it. */
export interface Received {
  readonly socket: Socket;
  /** Of all requests of this mode, from 1. */
  readonly number: number;
  /** Of the requests on this connection, from 1. */
  readonly nth: number;
  /** Writes to the server's own count, before the deed: the only outcomes a truthful client may report. */
  record(...outcomes: Outcome[]): void;
}

export interface HostileMode {
  readonly name: string;
  readonly does: string;
  /** Outcomes that a truthful client may report for a request that the server never received. */
  readonly unreceived: readonly Outcome[];
  /** Outcomes that node:http may report instead, where it can tell less, or judges otherwise. */
  readonly httpReports?: readonly Outcome[];
  /** Whether it is a failure is a matter of taste, so that tools cannot be compared by it. */
  readonly isTaste?: boolean;
  /** The faulty answers carry bytes beyond their end. */
  readonly isExcessive?: boolean;
  /** The server runs in a process of its own, which the mode kills. */
  readonly isKilled?: boolean;
  /** `port-closed`: nothing listens. */
  readonly accept?: 'port-closed' | ((socket: Socket) => void);
  readonly answer: (received: Received) => void;
}

/** Every request's deadline in the tests. */
export const TIMEOUT_MS = 4000;
/** One request in so many meets the fault; the others are answered, so that a client has connections to reuse. */
export const FAULT_EVERY = 4;
/** The request whose arrival kills the server of a mode that is killed. */
const LAST_REQUEST = 30;

const HEAD = 'HTTP/1.1 200 OK\r\nX-Pod: hostile\r\n';
const ANSWER = `${HEAD}Content-Length: 2\r\n\r\nok`;

function answerOk({ socket, record }: Received): void {
  record('ok');
  socket.write(ANSWER);
}

/** Answers, save for one request in `FAULT_EVERY`. */
function sometimes(
  outcome: Outcome | readonly Outcome[],
  fault: (received: Received) => void,
): (received: Received) => void {
  return (received) => {
    if (received.number % FAULT_EVERY !== 0) return answerOk(received);
    received.record(...([outcome].flat() as Outcome[]));
    fault(received);
  };
}

const writes =
  (text: string) =>
  ({ socket }: Received) =>
    void socket.write(text, 'latin1');
const writesAndCloses =
  (text: string) =>
  ({ socket }: Received) =>
    void socket.end(text, 'latin1');

function drip(text: string): (received: Received) => void {
  return ({ socket }) => {
    let at = 0;
    const next = () => {
      if (at === text.length || socket.destroyed) return;
      socket.write(text.slice(at, at + 1));
      at += 1;
      setImmediate(next);
    };
    next();
  };
}

/**
 * Every way to misbehave: the server, the tests and the table in docs/ come from here. The two that wait for a
 * deadline come first: tests run a few modes at a time.
 */
export const MODES: readonly HostileMode[] = [
  {
    name: 'never-answer',
    does: 'reads the request, and nothing more',
    unreceived: [],
    answer: sometimes('timeout', () => {}),
  },
  {
    name: 'answer-late',
    does: 'answers after the deadline',
    unreceived: [],
    answer: sometimes(
      'timeout',
      ({ socket }) => void setTimeout(() => socket.write(ANSWER), TIMEOUT_MS + 200),
    ),
  },
  {
    name: 'refuse',
    does: 'nothing listens on the port',
    unreceived: ['refused'],
    accept: 'port-closed',
    answer: answerOk,
  },
  {
    name: 'reset-at-accept',
    does: 'resets each connection as it comes',
    unreceived: ['reset'],
    accept: (socket) => socket.resetAndDestroy(),
    answer: answerOk,
  },
  {
    name: 'reset-after-request',
    does: 'reads the request, then resets',
    unreceived: [],
    answer: sometimes('reset', ({ socket }) => socket.resetAndDestroy()),
  },
  {
    name: 'close-after-request',
    does: 'reads the request, then closes',
    unreceived: [],
    answer: sometimes('closed_before_response', ({ socket }) => socket.destroy()),
  },
  {
    name: 'half-close',
    does: 'reads the request, closes its own side and goes on reading',
    unreceived: [],
    answer: sometimes('closed_before_response', ({ socket }) => socket.end()),
  },
  {
    name: 'close-on-reuse',
    does: 'answers the first request of a connection, and closes when it reads the second',
    unreceived: [],
    answer: (received) => {
      if (received.nth === 1) return answerOk(received);
      received.record('closed_before_response');
      received.socket.destroy();
    },
  },
  {
    name: 'keep-alive-race',
    does: 'promises keep-alive, and closes 1 ms after its response, as the next request is on its way',
    unreceived: ['reset', 'closed_before_response'],
    answer: (received) => {
      answerOk(received);
      setTimeout(() => received.socket.destroy(), 1);
    },
  },
  {
    name: 'close-after-head',
    does: 'sends the head of a response, then closes',
    unreceived: [],
    answer: sometimes('truncated', writesAndCloses(`${HEAD}Content-Length: 100\r\n\r\n`)),
  },
  {
    name: 'truncate-length',
    does: 'sends half of the announced body, then closes',
    unreceived: [],
    answer: sometimes('truncated', writesAndCloses(`${HEAD}Content-Length: 100\r\n\r\n${'.'.repeat(50)}`)),
  },
  {
    name: 'truncate-chunked',
    does: 'closes without the last chunk',
    unreceived: [],
    answer: sometimes('truncated', writesAndCloses(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`)),
  },
  {
    name: 'answer-twice',
    does: 'sends the response two times',
    unreceived: [],
    isExcessive: true,
    answer: sometimes('ok', writes(ANSWER + ANSWER)),
  },
  {
    name: 'body-too-long',
    does: 'sends more bytes than announced',
    unreceived: [],
    httpReports: ['protocol_error'],
    isExcessive: true,
    answer: sometimes('ok', writes(`${ANSWER}!`)),
  },
  {
    name: 'garbage',
    does: 'answers with bytes that are not HTTP',
    unreceived: [],
    answer: sometimes('protocol_error', writes('\x16\x03\x01\x00\xff\x00 not HTTP\r\n\r\n')),
  },
  {
    name: 'bad-length',
    does: 'answers with Content-Length: 2x',
    unreceived: [],
    answer: sometimes('protocol_error', writes(`${HEAD}Content-Length: 2x\r\n\r\nok`)),
  },
  {
    name: 'two-lengths',
    does: 'answers with two different Content-Lengths',
    unreceived: [],
    answer: sometimes('protocol_error', writes(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`)),
  },
  {
    name: 'length-and-chunked',
    does: 'answers with both Content-Length and Transfer-Encoding',
    unreceived: [],
    answer: sometimes(
      'protocol_error',
      writes(`${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
    ),
  },
  {
    name: 'endless-head',
    does: 'sends a head of 100 kB',
    unreceived: [],
    answer: sometimes('protocol_error', writes(HEAD + 'X-Pad: 0123456789\r\n'.repeat(5000))),
  },
  {
    name: 'drip',
    does: 'sends the response byte by byte',
    unreceived: [],
    answer: sometimes('ok', drip(ANSWER)),
  },
  {
    name: 'continue',
    does: 'sends 100 Continue and 103 Early Hints first, unasked',
    unreceived: [],
    answer: sometimes(
      'ok',
      writes(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n${ANSWER}`),
    ),
  },
  {
    name: 'until-close',
    does: 'delimits the body by closing',
    unreceived: [],
    answer: sometimes('ok', writesAndCloses(`${HEAD}\r\nok`)),
  },
  {
    name: 'close-each',
    does: 'answers with Connection: close, and closes, each time',
    unreceived: [],
    answer: (received) => {
      received.record('ok');
      received.socket.end(`${HEAD}Connection: close\r\nContent-Length: 2\r\n\r\nok`);
    },
  },
  {
    name: 'unavailable',
    does: 'answers 503 with Retry-After: 0',
    unreceived: [],
    answer: sometimes('http_503', writes('HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n')),
  },
  {
    name: 'redirect',
    does: 'answers 302 to itself',
    unreceived: [],
    isTaste: true,
    answer: sometimes('http_302', writes('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n')),
  },
  {
    name: 'killed',
    does: `is ended by SIGKILL when request ${LAST_REQUEST} arrives`,
    unreceived: ['refused', 'reset', 'closed_before_response'],
    isKilled: true,
    answer: (received) => {
      if (received.number < LAST_REQUEST) return answerOk(received);
      received.record('closed_before_response', 'reset');
      process.kill(process.pid, 'SIGKILL');
    },
  },
];
