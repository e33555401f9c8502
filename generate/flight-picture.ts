/**
 * Renews docs/flight-recorder.png, the picture of a proof in README.md: a rollout of a faulty server on this machine,
 * as the flight recorder shows it. About half a minute on an idle machine; needs Chromium, on the PATH or named in
 * CHROMIUM. With PAGE, which `dropless prove --html` has written, it is the picture of that proof.
 *
 *   npm run picture [-- PAGE]
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { EXIT_CODES } from '../loadtest/cli/exit-code.ts';
import { isLateForLosses } from '../loadtest/load/evidence.ts';
import { parseSeries } from '../loadtest/proof/proof-report.ts';

const ROOT = join(import.meta.dirname, '..');
const PICTURE = join(ROOT, 'docs/flight-recorder.png');
const MAX_BYTES = 200_000;
const WIDTH = 1_280;
/** Ends keep-alive connections unannounced, so that there are losses to look at. */
const SERVER = 'test/faults/closes-keep-alive-connections.ts';
/** Nothing that talks to another machine. */
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const directory = mkdtempSync(join(tmpdir(), 'dropless-picture-'));
try {
  await take(process.argv[2] ?? prove(directory));
} finally {
  rmSync(directory, { recursive: true });
}
const { size } = statSync(PICTURE);
if (size > MAX_BYTES) throw new Error(`${PICTURE} has ${size} bytes, more than ${MAX_BYTES}`);

/** Writes the page of a proof that loses something, and gives its path. @throws where the load was late */
function prove(folder: string): string {
  const page = join(folder, 'proof.html');
  const report = join(folder, 'proof.json');
  const command = `${process.execPath} ${SERVER}`;
  const args = ['loadtest/main.ts', 'prove', 'rollout', '--local', '--command', command];
  const flags = ['--ready-path', '/ready', '--endpoint', 'GET /', '--html', page, '--json', report];
  const run = spawnSync(process.execPath, [...args, ...flags], { cwd: ROOT, encoding: 'utf8' });
  if (run.status !== EXIT_CODES.failed.code) {
    throw new Error(`a proof with losses was expected, but it ended with ${run.status}:\n${run.stderr}`);
  }
  const { proofs } = parseSeries(readFileSync(report, 'utf8'), report);
  for (const proof of proofs) {
    if (proof.givenUp > 0 || isLateForLosses(proof)) {
      throw new Error(`the load was ${proof.lagP99Ms} ms late (p99): take the picture on an idle machine`);
    }
  }
  return page;
}

/** From the verdict to the end of the causes; the list of all losses below them is left out. */
async function take(page: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: BROWSER_FLAGS });
  try {
    const tab = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, deviceScaleFactor: 1.25 });
    await tab.goto(pathToFileURL(resolve(page)).href);
    const end = await tab.locator('h2', { hasText: /^Losses$/ }).boundingBox();
    if (end === null) throw new Error(`${page} has no heading "Losses"`);
    await tab.setViewportSize({ width: WIDTH, height: Math.floor(end.y) - 8 });
    await tab.screenshot({ path: PICTURE, timeout: 120_000 });
  } finally {
    await browser.close();
  }
}

function findChromium(): string {
  const named = process.env.CHROMIUM;
  if (named !== undefined) return named;
  const candidates = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found === undefined) throw new Error('no Chromium is on the PATH: install it, or name it in CHROMIUM');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
