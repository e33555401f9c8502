import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile } from './dockerfile.ts';

test('parseDockerfile() tells the stages, what they start from, what they do and how they are labelled', () => {
  const text = `# A comment.
ARG BASE=docker.io/library/debian:13
ARG EMPTY
FROM --platform=$BUILDPLATFORM \${BASE} AS build
RUN one && \\
    # a comment within
    two
FROM scratch AS last
ARG VERSION=
COPY --from=build /a /b
LABEL a="with, a comma" \\
      b="\${VERSION}"
LABEL c=d
`;
  assert.deepEqual(parseDockerfile(text), {
    defaults: { BASE: 'docker.io/library/debian:13' },
    stages: [
      { name: 'build', image: `\${BASE}`, platform: '$BUILDPLATFORM', keywords: ['RUN'], labels: {} },
      {
        name: 'last',
        image: 'scratch',
        platform: null,
        keywords: ['ARG', 'COPY', 'LABEL', 'LABEL'],
        labels: { a: 'with, a comma', b: `\${VERSION}`, c: 'd' },
      },
    ],
  });
});
