import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findBodyFault, toBodyReader } from './body-expectation.ts';
import type { BodyExpectation } from './settlement.ts';

function judge(expected: { expectBody?: BodyExpectation; expectEnd?: string }, body: string): string | null {
  const reader = toBodyReader(expected, 0);
  assert.ok(reader !== null);
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += 1) reader.add(bytes, at, at + 1);
  const fault = findBodyFault(expected, reader);
  return fault === null ? null : `${fault.outcome}: ${fault.detail}`;
}

const long = 'x'.repeat(100);
const shown = `${'x'.repeat(60)}…`;

describe('findBodyFault()', () => {
  const texts: readonly [expected: string, body: string, fault: string | null][] = [
    ['ok', 'ok', null],
    ['größe', 'größe', null],
    ['ok', 'ok\n', 'wrong_body: line 1, column 3: expected the end, got "\\n"'],
    ['ok', '', 'wrong_body: line 1, column 1: expected "ok", got the end'],
    ['a\nbcd\ne', 'a\nbxd\ne', 'wrong_body: line 2, column 2: expected "cd\\ne", got "xd\\ne"'],
    [
      `a${long}`,
      `b${long}`,
      `wrong_body: line 1, column 1: expected "a${shown.slice(1)}", got "b${shown.slice(1)}"`,
    ],
  ];
  for (const [text, body, fault] of texts) {
    test(`the text ${JSON.stringify(text.slice(0, 8))} for ${JSON.stringify(body.slice(0, 8))}`, () => {
      assert.equal(judge({ expectBody: { kind: 'text', text } }, body), fault);
    });
  }

  const matches: readonly [pattern: RegExp, body: string, fault: string | null][] = [
    [/"id":\d+/, '{"id":12}', null],
    [/^\d+$/, 'a1', 'wrong_body: expected a match of /^\\d+$/, got "a1"'],
    [/x/, '', 'wrong_body: expected a match of /x/, got the end'],
    [/y/, long, `wrong_body: expected a match of /y/, got "${shown}"`],
  ];
  for (const [pattern, body, fault] of matches) {
    test(`a match of ${pattern} in ${JSON.stringify(body.slice(0, 8))}`, () => {
      assert.equal(judge({ expectBody: { kind: 'match', pattern } }, body), fault);
    });
  }

  const body = '{"status":"up","n":1,"list":[{"a/b":null}],"~":0}';
  const values: readonly [values: Record<string, unknown>, body: string, fault: string | null][] = [
    [{ '/status': 'up', '/n': 1 }, body, null],
    [{ '/list/0/a~1b': null, '/~0': 0 }, body, null],
    [{ '/list': [{ 'a/b': null }] }, body, null],
    [{ '': 5 }, '5', null],
    [{ '/n': '1' }, body, 'wrong_body: /n: expected "1", got 1'],
    [{ '/n': 1, '/m': 2 }, body, 'wrong_body: /m: expected 2, got nothing'],
    [{ '/list/1': {} }, body, 'wrong_body: /list/1: expected {}, got nothing'],
    [{ '/list': [{ 'a/b': 1 }] }, body, 'wrong_body: /list/0/a~1b: expected 1, got null'],
    [{ '/list': [] }, body, 'wrong_body: /list/0: expected nothing, got {"a/b":null}'],
    [{ '/list': {} }, body, 'wrong_body: /list: expected {}, got [{"a/b":null}]'],
    [{ '/toString': 1 }, body, 'wrong_body: /toString: expected 1, got nothing'],
    [{ '': {} }, '[]', 'wrong_body: the document: expected {}, got []'],
    [{ '/n': 1 }, '<html>', 'wrong_body: expected JSON, got "<html>"'],
  ];
  for (const [json, text, fault] of values) {
    test(`the JSON values ${JSON.stringify(json)} in ${text.slice(0, 8)}`, () => {
      assert.equal(judge({ expectBody: { kind: 'json', values: json } }, text), fault);
    });
  }

  const ends: readonly [end: string, body: string, fault: string | null][] = [
    ['[DONE]', 'data: 1\n\ndata: [DONE]\n\n', null],
    ['[DONE]\n', 'data: [DONE]', null],
    ['[DONE]', 'data: 1\n\n', 'truncated: the body of 9 bytes ends with "data: 1", not with "[DONE]"'],
    ['[DONE]', '[DONE] more', 'truncated: the body of 11 bytes ends with "[DONE] more", not with "[DONE]"'],
    ['[DONE]', '', 'truncated: the body is empty, not with "[DONE]"'],
    ['ß', 'groß', null],
    ['!', `${long}ü`, `truncated: the body of 102 bytes ends with "…${'x'.repeat(59)}ü", not with "!"`],
  ];
  for (const [expectEnd, text, fault] of ends) {
    test(`the end ${JSON.stringify(expectEnd)} of ${JSON.stringify(text.slice(-12))}`, () => {
      assert.equal(judge({ expectEnd }, text), fault);
    });
  }

  test('a missing end comes before a difference', () => {
    const expectBody = { kind: 'text', text: 'a\n[DONE]' } as const;
    assert.match(judge({ expectBody, expectEnd: '[DONE]' }, 'a\n') ?? '', /^truncated: /);
    assert.equal(judge({ expectBody, expectEnd: '[DONE]' }, 'a\n[DONE]'), null);
  });
});
