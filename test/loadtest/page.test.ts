import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { loadPageAssets } from '../../loadtest/report/assets.ts';
import { formatPage } from '../../loadtest/report/page.ts';
import { toFindings } from '../../loadtest/report/summary.ts';
import { toTables } from '../../loadtest/report/tables.ts';
import { createSampleReport } from '../fixtures/sample-report.ts';
import { TOOLS, testWith } from '../tools.ts';

const executablePath = TOOLS.chromium.command?.[0];
const test = testWith(TOOLS.chromium);

describe('the page of a report in Chromium', () => {
  const directory = mkdtempSync(join(tmpdir(), 'dropless-page-'));
  const url = pathToFileURL(join(directory, 'report.html')).href;
  let browser: Browser;

  before(async () => {
    const report = createSampleReport();
    const findings = toFindings(report);
    writeFileSync(
      join(directory, 'report.html'),
      formatPage(report, findings, toTables(report, findings), await loadPageAssets()),
    );
    if (executablePath === undefined) return;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  async function visit(
    options: BrowserContextOptions,
  ): Promise<{ page: Page; complaints: string[]; loads: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    const complaints: string[] = [];
    const loads: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => loads.push(request.url()));
    await page.goto(url);
    return { page, complaints, loads };
  }

  test('draws every chart, loads nothing else, and breaks no rule of its policy', async () => {
    const { page, complaints, loads } = await visit({ viewport: { width: 1_280, height: 900 } });
    assert.equal(await page.locator('[data-chart]').count(), 4);
    assert.equal(await page.locator('[data-chart] canvas').count(), 4);
    const inks = await page.locator('canvas').evaluateAll((canvases) =>
      canvases.map((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data;
        return new Set(new Uint32Array(pixels?.buffer ?? new ArrayBuffer(0))).size;
      }),
    );
    for (const colours of inks) assert.ok(colours > 10, `a canvas of ${colours} colours is empty`);
    assert.deepEqual(complaints, []);
    assert.deepEqual(loads, [url]);
  });

  test('is read without script: verdict, tables and the figures of the charts', async () => {
    const { page } = await visit({ javaScriptEnabled: false });
    assert.match(
      (await page.locator('.verdict').textContent()) ?? '',
      /Failed[\s\S]*3 of 2,000 requests were lost/,
    );
    assert.equal(await page.getByRole('heading', { name: 'Endpoints' }).isVisible(), true);
    assert.equal(await page.getByText('The charts are drawn by a script.').isVisible(), true);
    await page.locator('summary').first().click();
    assert.equal(await page.getByRole('rowheader', { name: '19 s' }).first().isVisible(), true);
  });

  test('fits a narrow screen: tables scroll, the page does not', async () => {
    const { page } = await visit({ viewport: { width: 360, height: 800 } });
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.equal(widths[0], widths[1]);
    assert.ok(
      await page.locator('.u-wrap').evaluateAll((plots) => plots.every((plot) => plot.clientWidth <= 360)),
    );
  });

  test('has text of enough contrast in both schemes, WCAG 2.2 §1.4.3', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await visit({ colorScheme });
      const poor = await page.evaluate(() => {
        const luminance = (colour: string) => {
          const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((text) => {
            const part = Number(text) / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const backgroundOf = (element: Element | null): string => {
          if (element === null) return 'rgb(255, 255, 255)';
          const colour = getComputedStyle(element).backgroundColor;
          return colour === 'rgba(0, 0, 0, 0)' ? backgroundOf(element.parentElement) : colour;
        };
        return [
          ...document.querySelectorAll('h1, h2, p, dt, dd, small, th, td, summary, figcaption'),
        ].flatMap((element) => {
          const levels = [getComputedStyle(element).color, backgroundOf(element)].map(luminance);
          const ratio = (Math.max(...levels) + 0.05) / (Math.min(...levels) + 0.05);
          return ratio < 4.5 ? [`${element.tagName} ${element.textContent?.slice(0, 30)} ${ratio}`] : [];
        });
      });
      assert.deepEqual(poor, [], colorScheme);
    }
  });

  test('names every chart and every scrolling table for those who do not see them', async () => {
    const { page } = await visit({});
    assert.equal(await page.getByRole('img', { name: 'Response time by version' }).count(), 1);
    assert.equal(await page.getByRole('region', { name: 'Failures' }).count(), 1);
    const unnamed = await page
      .locator('[role=img], [role=region]')
      .evaluateAll(
        (elements) =>
          elements.filter(
            (element) => !document.getElementById(element.getAttribute('aria-labelledby') ?? ''),
          ).length,
      );
    assert.equal(unnamed, 0);
  });
});
