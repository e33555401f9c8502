/** Serves one request at a time, 8 ms each, and turns away what would wait behind ten others. Otherwise faultless. */
import { startServer } from './server.ts';

const SERVICE_MS = 8;
const MAX_WAITING = 10;
let isDraining = false;
const waiting: (() => void)[] = [];

startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else if (waiting.length >= MAX_WAITING) answer(503, { close: isDraining });
  else waiting.push(() => answer(200, { close: isDraining }));
});
setInterval(() => waiting.shift()?.(), SERVICE_MS);

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 1_000);
});
