import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { formatObservationMetrics } from '../../loadtest/observe/observation-metrics.ts';
import { NO_TOTALS } from '../../loadtest/observe/totals.ts';
import { SETTINGS } from '../../src/config.ts';
import { STATES } from '../../src/lifecycle.ts';
import { createRequestMetrics } from '../../src/telemetry/request-metrics.ts';
import { createServiceMetrics } from '../../src/telemetry/service-metrics.ts';
import { TOOLS, testWith } from '../tools.ts';

const testRules = testWith(TOOLS.promtool);

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
}

interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

const component = (path: string) => join(import.meta.dirname, '../../kustomize/components', path);
const read = (path: string) => readFileSync(component(path), 'utf8');
const dashboard: { panels: Panel[] } = JSON.parse(read('dashboard/microservice.json'));
const panelExpressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** What the components with rules alert on: each by the series that are served to it. */
const WATCHED: Readonly<Record<string, () => readonly string[]>> = {
  monitoring: servedMetrics,
  observer: observedMetrics,
};

for (const [name, served] of Object.entries(WATCHED)) {
  describe(`alert and recording rules of ${name}`, () => {
    const rules = readRules(name);

    testRules('promtool accepts them', () => promtool('check', 'rules', component(`${name}/rules.yaml`)));

    testRules('promtool runs their unit tests', () =>
      promtool('test', 'rules', component(`${name}/rules.test.yaml`)),
    );

    test('every alert has a unit test in which it fires', () => {
      interface Case {
        alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[];
      }
      const cases: Case[] = parse(read(`${name}/rules.test.yaml`)).tests;
      const fired = cases
        .flatMap(({ alert_rule_test = [] }) => alert_rule_test)
        .filter(({ exp_alerts = [] }) => exp_alerts.length > 0)
        .map(({ alertname }) => alertname);
      const alerts = rules.flatMap(({ alert = [] }) => alert);
      assert.deepEqual([...new Set(fired)].sort(), alerts.sort());
    });

    test('they read only what is served', () => {
      const known = [...served(), 'up', ...rules.flatMap(({ record = [] }) => record)];
      for (const { expr } of rules) assertKnown(expr, known);
    });
  });
}

describe('alerts of monitoring', () => {
  test('the limits in them are those of the configuration and the container', () => {
    const drainSeconds =
      (Number(SETTINGS.lameDuckMs.fallback) + Number(SETTINGS.drainTimeoutMs.fallback)) / 1000;
    assert.match(toExpression('MicroserviceDrainSlow'), new RegExp(`> ${drainSeconds}$`));
    const deployment = parse(
      readFileSync(join(import.meta.dirname, '../../kustomize/base/deployment.yaml'), 'utf8'),
    );
    const { memory } = deployment.spec.template.spec.containers[0].resources.limits;
    const bytes = Number(/^(\d+)Mi$/.exec(memory)?.[1]) * 2 ** 20;
    assert.match(toExpression('MicroserviceMemoryNearLimit'), new RegExp(`> 0.9 \\* ${bytes}$`));
  });
});

describe('the dashboard', () => {
  test('panels have ids of their own and do not overlap', () => {
    const cells = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24, `${title} is wider than the grid`);
          assert.equal(cells.get(`${x} ${y}`), undefined, `${title} overlaps`);
          cells.set(`${x} ${y}`, title);
        }
      }
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });

  test('it reads only what the service shows, and shows all of it', () => {
    const served = servedMetrics();
    for (const expr of panelExpressions) assertKnown(expr, served);
    const unseen = served.filter(
      (name) => !panelExpressions.some((expr) => toMetricNames(expr).includes(name)),
    );
    // Histograms are shown by their buckets.
    assert.deepEqual(unseen, [
      'event_loop_lag_seconds',
      'process_start_time_seconds',
      'http_request_duration_seconds_sum',
      'http_request_duration_seconds_count',
    ]);
  });

  testRules('promtool parses its expressions', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dashboard-'));
    try {
      const file = join(directory, 'rules.yaml');
      const asRules = panelExpressions.map((expr, index) => ({
        record: `panel:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m'),
      }));
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: asRules }] }));
      promtool('check', 'rules', file);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

function promtool(...args: string[]): void {
  const run = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
}

function readRules(name: string): Rule[] {
  return parse(read(`${name}/rules.yaml`)).groups.flatMap((group: { rules: Rule[] }) => group.rules);
}

function toExpression(alert: string): string {
  const rule = readRules('monitoring').find((candidate) => candidate.alert === alert);
  assert.ok(rule !== undefined, `no alert ${alert}`);
  return rule.expr;
}

/** Names of the series of a scrape of the observer. */
function observedMetrics(): string[] {
  return toSeriesNames(formatObservationMetrics({ totals: NO_TOTALS, outcomes: {}, isQuiet: true }, 0));
}

/** Names of the series of a scrape of the service. */
function servedMetrics(): string[] {
  const pool = {
    workers: 1,
    busy: 0,
    queued: 0,
    computed: 0,
    queueFull: 0,
    timedOut: 0,
    abandoned: 0,
    crashed: 0,
  };
  const vitals = {
    startTimeMs: 0,
    cpuMs: 0,
    residentBytes: 0,
    eventLoopLagMs: 0,
    eventLoopLagMaxMs: 0,
    pool,
    refusedRequests: 0,
    droppedLogLines: 0,
  };
  const render = createServiceMetrics({ version: '', revision: '', runtime: '' });
  return toSeriesNames(
    render({ inFlight: 0, state: STATES[0], drainMs: 0, vitals }) +
      createRequestMetrics([{ path: '/health', answers: ['2xx'] }]).render(),
  );
}

function toSeriesNames(text: string): string[] {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return [...new Set(samples.map((line) => line.split(/[{ ]/)[0] ?? ''))];
}

function assertKnown(expr: string, known: readonly string[]): void {
  const names = toMetricNames(expr);
  assert.ok(names.length > 0, expr);
  for (const name of names) assert.ok(known.includes(name), `${name} in ${expr}`);
}

/** What stands before a brace, or is a recorded name (one with a colon). */
function toMetricNames(expr: string): string[] {
  return [...expr.matchAll(/([a-z_][a-z0-9_]*)\{|\b([a-z_]+(?::[a-z0-9_]+)+)/g)].flatMap(
    ([, selected, recorded]) => selected ?? recorded ?? [],
  );
}
