import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GENERATED } from './generated.ts';
import { RENDERER, testWith } from './toolchain.ts';

const testRendered = testWith(RENDERER);

for (const { path, toText, isRendered } of GENERATED) {
  (isRendered ? testRendered : test)(`${path} is as \`npm run generate\` makes it`, () => {
    assert.equal(readFileSync(join(import.meta.dirname, '..', path), 'utf8'), toText());
  });
}
