import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spellCommands, toProgramName } from './program-name.ts';

describe('toProgramName()', () => {
  for (const [paths, name] of [
    [['dropless'], 'dropless'],
    [['/opt/kubectl-dropless/dropless'], 'dropless'],
    [['kubectl-dropless'], 'kubectl dropless'],
    [['/usr/local/bin/kubectl-dropless'], 'kubectl dropless'],
    [['node', '/usr/lib/dist/main.js'], 'dropless'],
    [['node', '/usr/bin/kubectl-dropless'], 'kubectl dropless'],
  ] as const) {
    test(paths.join(' '), () => assert.equal(toProgramName(paths), name));
  }
});

describe('spellCommands()', () => {
  for (const [text, spelled] of [
    ['dropless lint deploy/web', 'kubectl dropless lint deploy/web'],
    ['helm template . | dropless lint -', 'helm template . | kubectl dropless lint -'],
    ['dropless run, then dropless merge', 'kubectl dropless run, then kubectl dropless merge'],
    ['the runner is dropless 1.2.3', 'the runner is dropless 1.2.3'],
    ['dropless sends HTTP/1.1, and dropless runs', 'dropless sends HTTP/1.1, and dropless runs'],
  ] as const) {
    test(text, () => {
      const commands = ['run', 'lint', 'merge'];
      assert.equal(spellCommands(text, 'kubectl dropless', commands), spelled);
      assert.equal(spellCommands(text, 'dropless', commands), text);
    });
  }
});
