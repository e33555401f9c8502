import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { formatFlightPage } from '../../loadtest/proof/flight-page.ts';
import { loadPageAssets } from '../../loadtest/report/assets.ts';
import { createSampleProof } from '../fixtures/sample-proof.ts';
import { TOOLS, testWith } from '../tools.ts';

const executablePath = TOOLS.chromium.command?.[0];
const test = testWith(TOOLS.chromium);

describe('the flight recorder in Chromium', () => {
  const directory = mkdtempSync(join(tmpdir(), 'dropless-flight-'));
  const file = join(directory, 'flight.html');
  const url = pathToFileURL(file).href;
  const series = { proofs: [createSampleProof()], controls: [], cutShort: null };
  let browser: Browser;

  before(async () => {
    writeFileSync(file, formatFlightPage(series, await loadPageAssets()));
    if (executablePath === undefined) return;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  test('is drawn without script, loads nothing else and breaks no rule of its policy', async () => {
    const page = await (await browser.newContext({ viewport: { width: 1_280, height: 900 } })).newPage();
    const complaints: string[] = [];
    const loads: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => loads.push(request.url()));
    await page.goto(url);
    assert.deepEqual({ complaints, loads }, { complaints: [], loads: [url] });
    const colour = (selector: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).fill`);
    const [ready, lost] = [await colour('rect.s-ready'), await colour('circle.loss')];
    assert.notEqual(ready, lost);
    for (const fill of [ready, lost]) assert.notEqual(fill, 'rgb(0, 0, 0)');
  });

  test('a mark leads to its story, by mouse and by keyboard', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.locator('svg a').first().click();
    assert.match(page.url(), /#p0-loss-0$/);
    assert.equal(await page.locator('#p0-loss-0').isVisible(), true);
    await page.locator('svg a').nth(1).focus();
    await page.keyboard.press('Enter');
    assert.match(page.url(), /#p0-loss-2$/);
  });

  for (const width of [360, 1_280]) {
    test(`at ${width} px nothing runs over the side of the page`, async () => {
      const page = await (await browser.newContext({ viewport: { width, height: 800 } })).newPage();
      await page.goto(url);
      const overhang = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      assert.ok(overhang <= 0, `${overhang} px`);
    });
  }
});
