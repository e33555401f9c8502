import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toSection } from './changelog.ts';

const CHANGELOG = `# Changelog

## Unreleased

## [1.10.0] - 2026-11-27

### Added

- New.

## 1.1.0 - 2026-10-01

- Older, before 1.10.0.

## 1.0.0

- First.`;

describe('toSection()', () => {
  for (const [version, section] of [
    ['1.10.0', '### Added\n\n- New.\n'],
    ['1.1.0', '- Older, before 1.10.0.\n'],
    ['1.0.0', '- First.\n'],
    ['Unreleased', null],
    ['1.0', null],
    ['1.0.1', null],
    ['v1.0.0', null],
    ['Added', null],
  ] as const) {
    test(`of ${version} is ${JSON.stringify(section)}`, () => {
      assert.equal(toSection(CHANGELOG, version), section);
      assert.equal(toSection(CHANGELOG.replaceAll('\n', '\r\n'), version), section);
    });
  }

  test('finds what is next in the changelog of this project', () => {
    const text = readFileSync(join(import.meta.dirname, '../CHANGELOG.md'), 'utf8');
    const version = /^## \[?([^\s\]]+)/m.exec(text)?.[1] ?? assert.fail('no section');
    assert.match(toSection(text, version) ?? '', /^### \w+\n\n- /);
    assert.doesNotMatch(toSection(text, version) ?? '', /^## /m);
  });
});
