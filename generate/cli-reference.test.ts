import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../loadtest/commands/registry.ts';
import { formatReference } from './cli-reference.ts';

test('docs/reference-cli.md is as `npm run generate` makes it', () => {
  const path = join(import.meta.dirname, '..', 'docs', 'reference-cli.md');
  assert.equal(readFileSync(path, 'utf8'), formatReference(COMMANDS));
});
