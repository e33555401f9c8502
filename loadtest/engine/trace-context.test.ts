import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTraceContext, createTraces, hasOwnTrace } from './trace-context.ts';

const CONTEXT = { prefix: '0123456789abcdef', isSampled: false };
const { idOf, traceparentOf } = createTraces(CONTEXT);

describe('createTraceContext()', () => {
  test('makes another prefix for each load, with no half of it zero', () => {
    const prefixes = Array.from({ length: 200 }, () => createTraceContext('sampled')?.prefix ?? '');
    assert.equal(new Set(prefixes).size, 200);
    for (const prefix of prefixes) {
      assert.match(prefix, /^[0-9a-f]{16}$/);
      assert.doesNotMatch(prefix, /^0{8}|0{8}$/);
    }
  });

  test('asks for a record only where the mode says so, and is none where it is off', () => {
    assert.equal(createTraceContext('sampled')?.isSampled, true);
    assert.equal(createTraceContext('unsampled')?.isSampled, false);
    assert.equal(createTraceContext('off'), null);
  });
});

describe('idOf()', () => {
  test('is the same for the same request', () => {
    assert.equal(idOf({ index: 7 }), createTraces(CONTEXT).idOf({ index: 7 }));
  });

  test('is another one for each request, beyond 32 bits too', () => {
    const low = Array.from({ length: 50_000 }, (_, index) => index);
    const indices = [...low, ...low.map((index) => index + 2 ** 32), ...low.map((index) => index + 2 ** 33)];
    assert.equal(new Set(indices.map((index) => idOf({ index }))).size, indices.length);
  });

  test('ends in digits that a sampler may take for random', () => {
    // OpenTelemetry's TraceIdRatioBased compares the last digits with a bound.
    const ids = Array.from({ length: 10_000 }, (_, index) => idOf({ index }));
    for (const from of [16, 24]) {
      const share = ids.filter((id) => Number.parseInt(id.slice(from, from + 8), 16) < 2 ** 32 / 10).length;
      assert.ok(share > 900 && share < 1_100, `${share} of 10,000 are in the lowest tenth`);
    }
  });
});

describe('traceparentOf()', () => {
  test('is version, trace id, parent id and flags', () => {
    const [version, traceId, parentId, flags] = traceparentOf({ index: 7 }).split('-');
    assert.deepEqual([version, traceId, flags], ['00', idOf({ index: 7 }), '00']);
    assert.match(parentId ?? '', /^89abcdef[0-9a-f]{8}$/);
    assert.ok(
      createTraces({ ...CONTEXT, isSampled: true })
        .traceparentOf({ index: 7 })
        .endsWith('-01'),
    );
  });
});

test('hasOwnTrace() finds the field in any case', () => {
  assert.ok(hasOwnTrace({ TraceParent: '00-…' }));
  assert.ok(!hasOwnTrace({ tracestate: 'a=b' }));
  assert.ok(!hasOwnTrace(undefined));
});
