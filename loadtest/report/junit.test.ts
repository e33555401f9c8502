import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { escapeXml, formatJunit, type TestSuite, toRequirementCases } from './junit.ts';

const suite: TestSuite = {
  name: 'run http://web.test/',
  startedAt: '2030-01-31T13:00:00.500+01:00',
  durationMs: 1_234.5,
  properties: { target: 'http://web.test/?a="<&>"' },
  cases: [
    { name: 'a', durationMs: 1_000, result: { kind: 'passed' } },
    { name: 'b', durationMs: 0, result: { kind: 'skipped', message: 'not now' } },
    {
      name: 'c',
      durationMs: 0,
      result: { kind: 'failure', type: 'losses', message: 'LOST\n1', details: 'one\ntwo' },
    },
    { name: 'd', durationMs: 0, result: { kind: 'error', type: 'late', message: '', details: '' } },
  ],
  output: 'shown ]]>',
};

describe('formatJunit()', () => {
  test('has every element and attribute that the schemas require, in their order, and no other', () => {
    assert.equal(
      formatJunit([suite]),
      `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
<testsuite name="run http://web.test/" package="dropless" id="0" hostname="localhost" timestamp="2030-01-31T12:00:00" tests="4" failures="1" errors="1" skipped="1" time="1.234">
<properties>
<property name="target" value="http://web.test/?a=&quot;&lt;&amp;&gt;&quot;"/>
</properties>
<testcase name="a" classname="run http://web.test/" time="1.000"/>
<testcase name="b" classname="run http://web.test/" time="0.000"><skipped message="not now"/></testcase>
<testcase name="c" classname="run http://web.test/" time="0.000"><failure type="losses" message="LOST 1">one
two</failure></testcase>
<testcase name="d" classname="run http://web.test/" time="0.000"><error type="late" message=""></error></testcase>
<system-out>shown ]]&gt;</system-out>
<system-err></system-err>
</testsuite>
</testsuites>
`,
    );
  });

  test('numbers the suites', () => {
    assert.deepEqual(formatJunit([suite, suite]).match(/ id="\d"/g), [' id="0"', ' id="1"']);
  });
});

describe('escapeXml()', () => {
  for (const [text, escaped] of [
    ['<a b="c">&amp;', '&lt;a b=&quot;c&quot;&gt;&amp;amp;'],
    ['tab\tline\nreturn\r', 'tab\tline\nreturn&#13;'],
    // XML 1.0 §2.2 has no form for these.
    ['\0\u0007\u001b[31m\u001f', '\ufffd\ufffd\ufffd[31m\ufffd'],
    ['\ufffe\uffff', '\ufffd\ufffd'],
    ['lone \ud83d', 'lone \ufffd'],
    ['whole \u{1f600} é', 'whole \u{1f600} é'],
  ] as const) {
    test(`${JSON.stringify(text)} becomes ${JSON.stringify(escaped)}`, () => {
      assert.equal(escapeXml(text), escaped);
    });
  }
});

describe('toRequirementCases()', () => {
  const missed = { text: 'p99 < 50ms', unit: 'time', actual: 61.2, state: 'missed' } as const;

  for (const [name, requirement, exit, kind] of [
    ['met passes', { ...missed, state: 'met' }, 'proven', 'passed'],
    ['missed by the target fails', missed, 'failed', 'failure'],
    ['missed by a late load is in error', missed, 'inconclusive', 'error'],
    [
      'without anything to measure is in error',
      { ...missed, actual: null, state: 'unknown' },
      'failed',
      'error',
    ],
  ] as const) {
    test(`a requirement ${name}`, () => {
      const [found] = toRequirementCases([requirement], exit);
      assert.equal(found?.name, 'requires p99 < 50ms');
      assert.equal(found?.result.kind, kind);
    });
  }

  test('tells what was measured', () => {
    const [{ result } = { result: null }] = toRequirementCases([missed], 'failed');
    assert.ok(result?.kind === 'failure');
    assert.equal(result.message, 'required p99 < 50ms, measured 61.2 ms');
  });
});
