/** Is ready at once and accepts every request, but what it begins in its first second takes longer than any deadline. */
import { isNew, startServer } from './server.ts';

const COLD_MS = 1_000;
const TOO_LONG_MS = 60_000;
const startMs = performance.now();
const isCold = () => isNew && performance.now() - startMs < COLD_MS;
let isDraining = false;

startServer(({ path, answer }) => {
  if (path !== '/ready' && isCold()) setTimeout(answer, TOO_LONG_MS, 200);
  else answer(200, { close: isDraining });
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
