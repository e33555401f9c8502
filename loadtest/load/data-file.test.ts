import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { parseDataFile } from './data-file.ts';

describe('parseDataFile()', () => {
  for (const [text, columns, rows] of [
    ['id,name\n1,a\n', ['id', 'name'], [['1', 'a']]],
    [
      '\ufeffid,name\r\n1,"x, ""y"""\r\n\r\n2,"a\nb"\r\n',
      ['id', 'name'],
      [
        ['1', 'x, "y"'],
        ['2', 'a\nb'],
      ],
    ],
    ['größe\n\n7', ['größe'], [['7']]],
  ] as const) {
    test(JSON.stringify(text), () => assert.deepEqual(parseDataFile(text, 'd.csv'), { columns, rows }));
  }

  for (const [text, message] of [
    ['', /^d\.csv holds no data/],
    ['id,name\n', /^d\.csv holds no data/],
    ['id,name\n1,a\n2\n', /^d\.csv is not CSV: .*line 3/],
    ['id\n"1\n', /^d\.csv is not CSV: .*line 2/],
    ['id\na s3cret"b\n', /^d\.csv is not CSV: .*line 2$/],
    ['id,my name\n1,2', /^d\.csv:1: column "my name" must be a name without blanks/],
    ['id,\n1,2', /^d\.csv:1: column "" must be a name/],
    ['id,id\n1,2', /^d\.csv:1: column id is there twice/],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseDataFile(text, 'd.csv'),
        (error) => error instanceof Fault && message.test(error.message),
      );
    });
  }
});
