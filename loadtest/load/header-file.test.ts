import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { followHeaderFile, parseHeaderFile } from './header-file.ts';

describe('parseHeaderFile()', () => {
  test('reads lines, and skips blank ones and comments', () => {
    const text = '# a token\r\n\nAuthorization: Bearer a:b  \r\nX-Empty:\n';
    assert.deepEqual(parseHeaderFile(text, 'h'), { Authorization: 'Bearer a:b', 'X-Empty': '' });
  });

  test('tells all that is wrong, by line, and no value', () => {
    const text = 's3cret\nA: 1\na: s3cret\nTE: s3cret\nB: s3cret€\nX Y: s3cret\n';
    assert.throws(
      () => parseHeaderFile(text, 'h'),
      (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(
          error.message,
          'h:1: must be Name: value\n  h:3: a is there twice\n  h:4: "TE" is set by the engine itself\n  h:5: B holds a control or non-Latin-1 character\n  h:6: must be Name: value',
        );
        return true;
      },
    );
  });

  test('refuses a file without headers', () => {
    assert.throws(() => parseHeaderFile('# none\n', 'h'), /h holds no header/);
  });
});

describe('followHeaderFile()', () => {
  const follow = (texts: (string | Error)[], onFault: (fault: string) => void = () => {}) =>
    followHeaderFile(
      { path: 'h', headers: { A: '0' } },
      async () => {
        const text = texts.shift() ?? '';
        if (text instanceof Error) throw text;
        return text;
      },
      onFault,
    );

  test('takes what it has found twice in a row', async () => {
    const live = follow(['A: 1', 'A: 1', 'A: 2', 'A: 22', 'A: 22', 'A: 1', 'A: 1']);
    const seen = [];
    for (let look = 0; look < 7; look += 1) {
      await live.look();
      seen.push(live.current.A);
    }
    assert.deepEqual(seen, ['0', '1', '1', '1', '22', '22', '1']);
  });

  test('gives the same object until something changes', async () => {
    const live = follow(['A: 1', 'A: 1', 'A: 1']);
    await live.look();
    await live.look();
    const { current } = live;
    await live.look();
    assert.equal(live.current, current);
  });

  test('keeps what it has while the file is gone, empty or malformed, and tells each once', async () => {
    const gone = new Error('ENOENT');
    const faults: string[] = [];
    const texts = [
      'A: 1',
      'A: 1',
      gone,
      gone,
      gone,
      '',
      's3cret',
      's3cret',
      's3cret',
      'A: 3',
      'A: 3',
      gone,
      gone,
    ];
    const live = follow(texts, (fault) => faults.push(fault));
    for (let look = 0; look < 9; look += 1) await live.look();
    assert.deepEqual(live.current, { A: '1' });
    for (let look = 0; look < 4; look += 1) await live.look();
    assert.deepEqual(live.current, { A: '3' });
    assert.deepEqual(faults, [
      'the headers stay as they were: h cannot be read: ENOENT',
      'the headers stay as they were: h:1: must be Name: value',
      'the headers stay as they were: h cannot be read: ENOENT',
    ]);
  });

  test('takes the headers of before again after a fault', async () => {
    const live = follow(['A: 1', 'A: 1', 'bad', 'bad', 'A: 1', 'A: 1']);
    for (let look = 0; look < 6; look += 1) await live.look();
    assert.deepEqual(live.current, { A: '1' });
  });

  test('looks once at a time', async () => {
    let reads = 0;
    const live = followHeaderFile(
      { path: 'h', headers: {} },
      async () => {
        reads += 1;
        return 'A: 1';
      },
      () => {},
    );
    await Promise.all([live.look(), live.look()]);
    assert.equal(reads, 1);
  });
});
