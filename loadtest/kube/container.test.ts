import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { chooseContainer } from './container.ts';
import { Field } from './field.ts';

const toPod = (names: readonly string[], annotated: string | null) => ({
  metadata: {
    annotations: annotated === null ? {} : { 'kubectl.kubernetes.io/default-container': annotated },
  },
  spec: { containers: names.map((name) => ({ name })) },
});

describe('chooseContainer()', () => {
  for (const [names, annotated, wanted, chosen] of [
    [['web'], null, null, 'web'],
    [['web'], 'gone', null, 'web'],
    [['proxy', 'web'], 'web', null, 'web'],
    [['proxy', 'web'], 'web', 'proxy', 'proxy'],
    [['proxy', 'web'], null, 'web', 'web'],
    [['proxy', 'web'], null, null, /^which container serves\? Name it with --container: proxy, web$/],
    [['proxy', 'web'], 'gone', null, /^which container serves\?/],
    [['web'], null, 'proxy', /^--container "proxy" is not there: there is web$/],
  ] as const) {
    test(`of ${names.join(', ')}, ${annotated} annotated, ${wanted} wanted: ${chosen}`, () => {
      const choose = () => chooseContainer(new Field(toPod(names, annotated)), wanted);
      if (typeof chosen === 'string') assert.equal(choose(), chosen);
      else assert.throws(choose, (error: Error) => error instanceof Fault && chosen.test(error.message));
    });
  }
});
