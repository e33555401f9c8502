import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOOLS, testWith } from '../test/tools.ts';
import { GENERATED } from './generated.ts';

const testRendered = testWith(TOOLS.renderer);

for (const { path, toText, isRendered } of GENERATED) {
  (isRendered ? testRendered : test)(`${path} is as \`npm run generate\` makes it`, () => {
    assert.equal(readFileSync(join(import.meta.dirname, '..', path), 'utf8'), toText());
  });
}
