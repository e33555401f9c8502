import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseContainer } from './container.ts';

describe('chooseContainer()', () => {
  const pod = (names: readonly string[], annotated: string | null = null) => ({
    metadata:
      annotated === null ? {} : { annotations: { 'kubectl.kubernetes.io/default-container': annotated } },
    spec: { containers: names.map((name) => ({ name })) },
  });
  for (const [what, given, flag, expected] of [
    ['the only one', pod(['web']), null, 'web'],
    ['the one of the annotation', pod(['proxy', 'web'], 'web'), null, 'web'],
    ['the one named, before the annotation', pod(['proxy', 'web'], 'web'), 'proxy', 'proxy'],
  ] as const) {
    test(`takes ${what}`, () => assert.equal(chooseContainer(given, flag), expected));
  }
  test('refuses to guess, and what is not there', () => {
    assert.throws(() => chooseContainer(pod(['proxy', 'web']), null), /--container: proxy, web$/);
    assert.throws(() => chooseContainer(pod(['web']), 'shop'), /no container "shop"; there are web$/);
  });
});
