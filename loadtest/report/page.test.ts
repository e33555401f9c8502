import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { loadPageAssets } from './assets.ts';
import { toCharts } from './chart.ts';
import { formatPage } from './page.ts';
import { toFindings } from './summary.ts';
import { toTables } from './tables.ts';

const assets = await loadPageAssets();

function pageOf(report = createSampleReport()): string {
  const findings = toFindings(report);
  return formatPage(report, findings, toTables(report, findings), assets);
}

describe('formatPage()', () => {
  test('lets nothing run or load but the script and the style that it holds', () => {
    const page = pageOf();
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const hashOf = (element: string) =>
      createHash('sha256')
        .update(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(page)?.[1] ?? '')
        .digest('base64');
    assert.equal(
      policy,
      [
        'default-src &#39;none&#39;',
        `script-src &#39;sha256-${hashOf('script')}&#39;`,
        `style-src &#39;sha256-${hashOf('style')}&#39;`,
        'base-uri &#39;none&#39;; form-action &#39;none&#39;',
      ].join('; '),
    );
    assert.doesNotMatch(page, /<(link|img|iframe|object|embed)\b|\ssrc=|\sstyle=|url\(|@import/);
  });

  test('shows the verdict, every table and every failure without script', () => {
    const report = createSampleReport();
    const { verdict } = toFindings(report);
    const page = pageOf(report).replace(/<script[\s\S]*?<\/script>/g, '');
    assert.ok(page.includes(verdict.sentence));
    for (const { title, rows } of toTables(report, toFindings(report))) {
      assert.ok(page.includes(`<h2 id="${title.toLowerCase()}">${title}</h2>`), title);
      for (const [name = ''] of rows) {
        const shown = `<th scope="row">${name.replace('<', '&lt;')}</th>`;
        assert.ok(page.includes(shown), `${title}: ${name}`);
      }
    }
  });

  test('takes what the target says as text, in tables and in the data of the charts', () => {
    const report = createSampleReport();
    const evil = '</script><script>alert(1)</script>';
    const [first, ...others] = report.failures;
    assert.ok(first !== undefined);
    const page = pageOf({
      ...report,
      failures: [{ ...first, pod: evil }, ...others],
      record: {
        ...report.record,
        series: report.record.series.map((cell) => ({ ...cell, version: `${evil}${cell.version}` })),
      },
    });
    assert.equal(page.match(/<script\b/g)?.length, 2);
    assert.ok(page.includes('&lt;/script&gt;&lt;script&gt;alert(1)'));
    const data = /<script type="application\/json" id="charts">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
    assert.equal(JSON.parse(data).charts.length, 4);
  });
});

describe('toCharts()', () => {
  const chart = (id: string, report = createSampleReport()) =>
    toCharts(report).find((found) => found.id === id);
  const values = (id: string, label: string) => chart(id)?.lines.find((line) => line.label === label)?.values;

  test('draws the rate by version, which changes in the tenth second', () => {
    assert.deepEqual(
      chart('rate')?.lines.map(({ label }) => label),
      ['all', 'version 1', 'version 2'],
    );
    assert.deepEqual(values('rate', 'all'), Array(20).fill(100));
    assert.deepEqual(values('rate', 'version 1'), [...Array(10).fill(100), ...Array(10).fill(0)]);
  });

  test('does not let a last slot that is cut short look like a fall of the rate', () => {
    const report = createSampleReport({ durationMs: 2_500 });
    assert.deepEqual(chart('rate', report)?.lines[0]?.values, [100, 100, 100]);
  });

  test('draws failures on an axis of their own, so that one among thousands is seen', () => {
    const lost = values('outcomes', 'closed_before_response');
    assert.deepEqual([lost?.[9], lost?.[10], lost?.[11]], [0, 3, 0]);
    assert.equal(chart('outcomes')?.rightUnit, 'not ok');
    assert.equal(chart('outcomes', createSampleReport({ lost: 0 }))?.rightUnit, null);
  });

  test('leaves a gap where nothing was measured', () => {
    assert.deepEqual(values('latency-by-version', 'version 2')?.slice(0, 10), Array(10).fill(null));
  });

  test('has nothing to draw where nothing was sent', () => {
    const report = createSampleReport();
    const empty = { ...report, record: { ...report.record, series: [] } };
    assert.deepEqual(
      toCharts(empty).map(({ timesS }) => timesS),
      [[], [], []],
    );
  });
});
