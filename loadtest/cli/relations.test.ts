import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from './fault.ts';
import { checkRelations, findBrokenRelation } from './relations.ts';

const RELATIONS = {
  '--keep': { needs: ['--image', 'TYPE/NAME'] },
  '--image': { onlyWith: ['rollout'] },
  '--speed': { onlyWith: ['scale', 'drain'] },
  '--rate': { conflictsWith: ['--stage', '--closed'] },
  run: { needs: ['--do'] },
};

describe('findBrokenRelation()', () => {
  for (const [given, broken] of [
    ['', null],
    ['--other', null],
    ['--rate', null],
    ['--stage --closed', null],
    ['--rate --closed', '--rate and --closed cannot be combined'],
    ['--closed --stage --rate', '--rate and --stage cannot be combined'],
    ['--keep', '--keep needs --image'],
    ['--keep --image rollout', '--keep needs TYPE/NAME'],
    ['--keep --image rollout TYPE/NAME', null],
    ['--image', '--image works only with rollout'],
    ['--image rollout', null],
    ['--speed rollout', '--speed works only with scale or drain'],
    ['--speed drain', null],
    ['run', 'run needs --do'],
    ['run --do', null],
  ] as const) {
    test(`${given || 'nothing'}: ${broken}`, () => {
      assert.equal(findBrokenRelation(RELATIONS, new Set(given.split(' '))), broken);
    });
  }
});

test('checkRelations() throws the first of them', () => {
  assert.throws(() => checkRelations(RELATIONS, new Set(['run'])), new Fault('run needs --do'));
  checkRelations(RELATIONS, new Set(['--do', 'run']));
});
