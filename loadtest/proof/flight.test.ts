import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { FLIGHT, toFlight } from './flight.ts';
import { formatFlightPage } from './flight-page.ts';
import { parseRemoval } from './safeguard.ts';

const flight = toFlight(createSampleProof());
const scale = (FLIGHT.width - FLIGHT.left - FLIGHT.right) / 8_000;
const toMs = (x: number) => Math.round((x - FLIGHT.left) / scale);

describe('toFlight()', () => {
  test('stacks what was ok by version, and what was not on top of it, to the full height', () => {
    assert.deepEqual(flight.versions, ['v1', 'v2']);
    assert.equal(flight.maxPerSecond, 100);
    const column = flight.bars.filter(({ x }) => toMs(x) === 5_000);
    assert.deepEqual(
      column.map(({ series }) => series),
      [1, 'lost'],
    );
    const [ok, lost] = column;
    assert.equal(Math.round((ok?.height ?? 0) + (lost?.height ?? 0)), FLIGHT.chartHeight);
    assert.equal(Math.round((lost?.height ?? 0) * 25), 2 * FLIGHT.chartHeight);
    assert.equal(Math.round(lost?.y ?? 0), FLIGHT.top);
  });

  test('draws a timeline in its stages, clipped to the time of the load', () => {
    const [old, young] = flight.lanes;
    const toTimes = (spans: readonly { x: number; width: number; stage: string }[] = []) =>
      spans.map(({ x, width, stage }) => [stage, toMs(x), toMs(x + width)]);
    assert.deepEqual(toTimes(old?.stretches), [
      ['starting', 0, 0],
      ['ready', 0, 4_000],
      ['terminating', 4_000, 5_000],
      ['draining', 5_000, 6_000],
    ]);
    assert.deepEqual(toTimes(young?.stretches), [
      ['starting', 2_000, 3_000],
      ['ready', 3_000, 8_000],
    ]);
    assert.deepEqual(
      old?.endpoints.map(({ x, width }) => [toMs(x), toMs(x + width)]),
      [[0, 4_100]],
    );
    assert.deepEqual(
      old?.ticks.map(({ x, kind }) => [kind, toMs(x)]),
      [
        ['sigterm', 5_000],
        ['exited', 6_000],
      ],
    );
  });

  test('marks every loss once for all and once on its pod', () => {
    assert.deepEqual(
      flight.losses.map(({ x, loss, count }) => [toMs(x), loss, count]),
      [
        [5_020, 0, 2],
        [5_900, 2, 1],
      ],
    );
    assert.deepEqual(
      flight.lanes[0]?.losses.map(({ loss }) => loss),
      [0, 1, 2],
    );
  });

  test('has at most 240 columns, however long the proof was', () => {
    const sample = createSampleProof();
    const [cell] = sample.record.series;
    assert.ok(cell !== undefined);
    const series = Array.from({ length: 40_000 }, (_, slot) => ({ ...cell, slot }));
    const record = { ...sample.record, series };
    assert.ok(toFlight({ ...sample, record, durationMs: 10_000_000 }).bars.length <= 240);
  });

  test('has nothing to draw of an empty proof', () => {
    const sample = createSampleProof();
    const empty = toFlight({
      ...sample,
      record: { ...sample.record, series: [] },
      losses: [],
      timelines: [],
      marks: [],
      durationMs: 0,
    });
    assert.deepEqual([empty.bars, empty.lanes, empty.losses], [[], [], []]);
  });
});

describe('toFlight() of a pod that comes back', () => {
  test('draws it ready again, after its node was lost and its container restarted', () => {
    const [timeline] = createSampleProof().timelines;
    assert.ok(timeline !== undefined);
    const back = {
      ...timeline,
      terminatingMs: null,
      sigtermMs: null,
      goneMs: null,
      nodeLostMs: 2_000,
      exit: { atMs: 5_000, code: 255, signal: null, isOomKilled: false },
      ready: [
        { fromMs: 0, toMs: 2_000 },
        { fromMs: 6_000, toMs: null },
      ],
    };
    const [lane] = toFlight({ ...createSampleProof(), timelines: [back] }).lanes;
    assert.deepEqual(
      lane?.stretches.slice(1).map(({ stage, x, width }) => [stage, toMs(x), toMs(x + width)]),
      [
        ['ready', 0, 2_000],
        ['unready', 2_000, 6_000],
        ['ready', 6_000, 8_000],
      ],
    );
    assert.deepEqual(
      lane?.ticks.map(({ kind }) => kind),
      ['exited', 'node-lost'],
    );
  });
});

describe('formatFlightPage()', () => {
  const sample = createSampleProof();
  const alone = { proofs: [sample], controls: [], cutShort: null };

  test('leads from every mark to a story that is there', () => {
    const page = formatFlightPage(alone, { style: '' });
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    assert.deepEqual(
      links.filter((id) => id?.includes('hazard')),
      sample.hazards.map((_, index) => `p0-hazard-${index}`),
    );
    for (const id of links) assert.ok(page.includes(`<li id="${id}">`), id);
  });

  test('leads from a mark whose story is not told to those that are', () => {
    const [loss] = sample.losses;
    assert.ok(loss !== undefined);
    const losses = Array.from({ length: 400 }, (_, index) => ({
      ...loss,
      settlement: { ...loss.settlement, endMs: 10 * index },
    }));
    const page = formatFlightPage({ ...alone, proofs: [{ ...sample, losses, lost: 400 }] }, { style: '' });
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    assert.ok(links.includes('p0-loss-299') && links.includes('p0-losses'));
    for (const id of links) assert.ok(ids.has(id), id);
  });

  test('says how many losses are marked where it is not all', () => {
    assert.doesNotMatch(formatFlightPage(alone, { style: '' }), /are marked/);
    const page = formatFlightPage({ ...alone, proofs: [{ ...sample, lost: 6_000 }] }, { style: '' });
    assert.match(page, /links to its story\. Of 6,000 losses, the first 3 are marked\.<\/figcaption>/);
  });

  test('of one disruption where there should have been more tells so first', () => {
    const page = formatFlightPage({ ...alone, cutShort: 'it was interrupted' }, { style: '' });
    assert.match(
      page,
      /<p class="sentence">LOST 3 of 800 requests, in 1 of 1 disruptions\. Also, it was interrupted\.<\/p>/,
    );
    assert.match(page, /<h2 id="disruption-1">1 Rollout<\/h2>/);
  });

  test('lets nothing run or load, and takes what the target says as text', () => {
    const evil = '<script>alert(1)</script>';
    const timelines = sample.timelines.map((timeline) => ({ ...timeline, pod: evil }));
    const series = sample.record.series.map((cell) => ({ ...cell, version: evil }));
    const record = { ...sample.record, series };
    const marks = [{ atMs: 0, text: evil }];
    const page = formatFlightPage(
      { ...alone, proofs: [{ ...sample, timelines, record, marks }] },
      { style: 'p{}' },
    );
    assert.doesNotMatch(page, /<script|<(link|img|iframe|object|embed)\b|\ssrc=|\sstyle=|url\(|@import/);
    assert.match(
      page,
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-\S+; base-uri/,
    );
  });

  test('tells proof and controls, each with its verdict', () => {
    const page = formatFlightPage(
      {
        ...alone,
        controls: [
          { ...sample, without: [parseRemoval('preStop')], lost: 40 },
          { ...sample, without: [parseRemoval('readiness')] },
        ],
      },
      { style: '' },
    );
    assert.match(page, /<h2 id="controls">Controls<\/h2>/);
    assert.match(page, /<h2 id="control-preStop">Without preStop<\/h2>/);
    assert.equal(page.match(/LOST 3 of 800 requests\./g)?.length, 3);
    assert.match(page, /As expected without preStop\./);
    assert.match(page, /Without readiness, no more was lost: not shown to matter here\./);
  });

  test('of several disruptions tells the whole first, then each, every mark in its own part', () => {
    const page = formatFlightPage({ ...alone, proofs: [sample, sample] }, { style: '' });
    assert.match(page, /<p class="sentence">LOST 6 of 1,600 requests, in 2 of 2 disruptions\.<\/p>/);
    for (const at of [1, 2]) assert.match(page, new RegExp(`<h2 id="disruption-${at}">${at} Rollout</h2>`));
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.includes(id), id);
  });
});
