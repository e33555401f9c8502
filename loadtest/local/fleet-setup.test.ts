import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseRemoval } from '../proof/safeguard.ts';
import type { FleetOptions } from './fleet.ts';
import { type FleetSetup, toFleetOptions, toOwnService } from './fleet-setup.ts';
import type { ManifestFleet } from './manifest.ts';
import { startReplica } from './replica.ts';

const directory = mkdtempSync(join(tmpdir(), 'own-service-'));
after(() => rmSync(directory, { recursive: true }));

describe('toOwnService()', () => {
  for (const name of ['plain', 'with a space', `it's "$HOME"`, '100%20', '`id` &;']) {
    test(`starts from a checkout in a directory named ${name}`, async () => {
      const checkout = join(directory, name);
      mkdirSync(join(checkout, 'src'), { recursive: true });
      mkdirSync(join(checkout, 'service'));
      writeFileSync(join(checkout, 'src', 'main.ts'), `console.log('sources' as string);`);
      writeFileSync(join(checkout, 'service', 'main.js'), `console.log('bundle');`);
      for (const [path, said] of [
        ['loadtest/local/fleet-setup.ts', 'sources'],
        ['main.js', 'bundle'],
      ] as const) {
        const command = toOwnService(pathToFileURL(join(checkout, path)).href);
        const replica = await startReplica(command, process.env);
        await replica.logged;
        assert.deepEqual([...replica.log], [said], command);
      }
    });
  }
});

test('toOwnService() has one file be the service as well', () => {
  assert.equal(toOwnService('file:///$bunfs/root/dropless'), `'${process.execPath}' 'example-service'`);
});

describe('toFleetOptions()', () => {
  const setup: FleetSetup = {
    command: 'server',
    manifest: null,
    replicas: undefined,
    readyPath: undefined,
    propagationMs: 0,
    latencyMs: 0,
    preStopMs: undefined,
    lameDuckMs: undefined,
    graceMs: undefined,
    minReadyMs: undefined,
    pidOne: 'none',
  };
  const manifest: ManifestFleet = {
    replicas: 4,
    maxSurge: 2,
    maxUnavailable: 1,
    minReadyMs: 7_000,
    graceMs: 45_000,
    readiness: { path: '/up', periodMs: 10_000, failureThreshold: 3, initialDelayMs: 90_000 },
    preStop: { kind: 'exec', argv: ['true'], containerPort: null },
    env: { MODE: 'full' },
    portVariables: ['HTTP_PORT'],
    progressDeadlineMs: null,
    notes: [],
  };
  const { env: _env, notes: _notes, ...ofManifest } = manifest;
  const flags = { replicas: 2, preStopMs: 5, graceMs: 6, minReadyMs: 7 };

  const table: readonly (readonly [string, Partial<FleetSetup>, readonly string[], Partial<FleetOptions>])[] =
    [
      [
        'the defaults',
        {},
        [],
        {
          replicas: 3,
          maxSurge: 1,
          maxUnavailable: 0,
          minReadyMs: 500,
          graceMs: 10_000,
          preStop: { kind: 'sleep', ms: 4_000 },
          progressDeadlineMs: 60_000,
        },
      ],
      ['a manifest', { manifest }, [], { ...ofManifest, progressDeadlineMs: 150_000 }],
      [
        'flags, though there is a manifest',
        { manifest, ...flags },
        [],
        { maxSurge: 2, replicas: 2, graceMs: 6, minReadyMs: 7, preStop: { kind: 'sleep', ms: 5 } },
      ],
      ['no preStop', { manifest }, ['preStop'], { preStop: { kind: 'sleep', ms: 0 } }],
      ['a shorter preStop', { manifest, ...flags }, ['preStop=2ms'], { preStop: { kind: 'sleep', ms: 2 } }],
      ['no readiness probe', { manifest }, ['readiness'], { readiness: null }],
    ];
  for (const [what, change, without, expected] of table) {
    test(`has ${what}`, () => {
      const options = toFleetOptions({ ...setup, ...change }, without.map(parseRemoval), {});
      assert.deepEqual({ ...options, ...expected }, options);
    });
  }

  for (const [what, change, without, expected] of [
    ['the default', {}, [], { LAME_DUCK_MS: '1000', MODE: 'given' }],
    ['nothing that the manifest does not say', { manifest }, [], { LAME_DUCK_MS: undefined, MODE: 'full' }],
    ['a flag', { manifest, lameDuckMs: 3 }, [], { LAME_DUCK_MS: '3', MODE: 'full' }],
    ['a safeguard taken away', { manifest, lameDuckMs: 3 }, ['lame-duck'], { LAME_DUCK_MS: '0' }],
    ['a variable set for the control', { manifest }, ['env:MODE=none'], { MODE: 'none' }],
  ] as const) {
    test(`gives the servers ${what} in the environment`, () => {
      const { env } = toFleetOptions({ ...setup, ...change }, without.map(parseRemoval), { MODE: 'given' });
      for (const [name, value] of Object.entries(expected)) assert.equal(env[name], value, name);
    });
  }
});
