import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutToBytes, escapeMarkdown, formatMarkdownTable } from './markdown.ts';

describe('escapeMarkdown()', () => {
  for (const [text, escaped] of [
    ['plain, 1.5 s - text', 'plain, 1.5 s - text'],
    ['a|b', 'a\\|b'],
    ['<img src=x> &amp;', '\\<img src=x\\> \\&amp;'],
    ['[a](http://b) *c* _d_ `e` ~f~ $g$', '\\[a\\]\\(http://b\\) \\*c\\* \\_d\\_ \\`e\\` \\~f\\~ \\$g\\$'],
    ['back\\slash', 'back\\\\slash'],
    [' two\n\nlines\r\n', 'two lines'],
  ] as const) {
    test(`${JSON.stringify(text)} becomes ${JSON.stringify(escaped)}`, () => {
      assert.equal(escapeMarkdown(text), escaped);
    });
  }
});

test('formatMarkdownTable() puts figures flush right, and fills what a row lacks', () => {
  assert.equal(
    formatMarkdownTable({
      title: 'Out|comes',
      columns: ['Outcome', 'Requests', 'Meaning'],
      rows: [
        ['reset', '1,000', 'cut | off'],
        ['ok', '2'],
      ],
    }),
    '### Out\\|comes\n\n| Outcome | Requests | Meaning |\n| --- | ---: | --- |\n| reset | 1,000 | cut \\| off |\n| ok | 2 |  |\n',
  );
});

describe('cutToBytes()', () => {
  const text = 'first\nsecond é\nthird\n'.repeat(50);
  const bytes = Buffer.byteLength(text);

  test('leaves what fits as it is, to the byte', () => {
    assert.equal(cutToBytes(text, bytes), text);
    assert.notEqual(cutToBytes(text, bytes - 1), text);
  });

  test('keeps whole lines, says that some are left out, and never exceeds the limit', () => {
    for (let limit = 0; limit < bytes; limit += 1) {
      const cut = cutToBytes(text, limit);
      assert.ok(Buffer.byteLength(cut) <= limit);
      if (cut === '') continue;
      const [kept = '', note] = cut.split('\n_');
      assert.ok(text.startsWith(kept));
      assert.match(note ?? '', /^The rest is left out/);
    }
  });
});
