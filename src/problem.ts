import type { Reply } from './reply.ts';

/** What a caller may learn of an error: a problem document as in RFC 9457. */
export interface ProblemDetail {
  /** HTTP status code, 400 to 599. */
  readonly status: number;
  readonly title: string;
  /** What is wrong with this request, offending value included. */
  readonly detail: string;
  /** Further response headers: `Allow`, `Retry-After`. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below the app to answer a request with a problem document. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly problem: ProblemDetail;

  constructor(problem: ProblemDetail) {
    super(problem.detail);
    this.problem = problem;
  }
}

const INTERNAL: ProblemDetail = {
  status: 500,
  title: 'Internal Server Error',
  detail: 'The request failed for a reason that is in the log under this request id.',
};

/** The one place that turns an error into a response. Errors that are no {@link HttpProblem} leak nothing. */
export function toProblemReply(error: unknown, requestId: string): Reply {
  const { status, title, detail, headers } = error instanceof HttpProblem ? error.problem : INTERNAL;
  return {
    status,
    contentType: 'application/problem+json',
    body: toAsciiJson({ type: 'about:blank', title, status, detail, requestId }),
    ...(headers && { headers }),
  };
}

/** A detail may show what a client sent. Escaped, its characters are its bytes, as in every other body here. */
function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
