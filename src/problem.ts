import type { Reply } from './reply.ts';

/** What a caller may learn of an error: a problem document as in RFC 9457. */
export interface ProblemDetail {
  /** HTTP status code, 400 to 599. */
  readonly status: number;
  readonly title: string;
  /** What is wrong with this request, offending value included. */
  readonly detail: string;
  /** Further answer headers: `Allow`, `Retry-After`. Names in lower case. */
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

/** The one place that turns an error into an answer. Errors that are no {@link HttpProblem} leak nothing. */
export function toProblemReply(error: unknown, requestId: string): Reply {
  const { status, title, detail, headers } = error instanceof HttpProblem ? error.problem : INTERNAL;
  return {
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title, status, detail, requestId }),
    ...(headers && { headers }),
  };
}
