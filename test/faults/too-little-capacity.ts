/**
 * Serves one request at a time, 8 ms each, and turns away what would wait behind ten others. A new version takes its time
 * to get ready. Otherwise faultless.
 */
import { isNew, startServer } from './server.ts';

const SERVICE_MS = 8;
const MAX_WAITING = 10;
const STARTUP_MS = isNew ? 1_500 : 0;
let isStarted = false;
let isDraining = false;
const waiting: (() => void)[] = [];

startServer(({ path, answer }) => {
  if (path === '/ready') answer(isStarted ? 200 : 503);
  else if (waiting.length >= MAX_WAITING) answer(503, { close: isDraining });
  else waiting.push(() => answer(200, { close: isDraining }));
});
setTimeout(() => {
  isStarted = true;
}, STARTUP_MS);
setInterval(() => waiting.shift()?.(), SERVICE_MS);

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
