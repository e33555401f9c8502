/** Is ready at once and accepts every request, but what it begins at first takes longer than any deadline. */
import { FAULT_MS, isNew, startServer } from './server.ts';

const TOO_LONG_MS = 60_000;
const startMs = performance.now();
const isCold = () => isNew && performance.now() - startMs < FAULT_MS;
let isDraining = false;

startServer(({ path, answer }) => {
  if (path !== '/ready' && isCold()) setTimeout(answer, TOO_LONG_MS, 200);
  else answer(200, { close: isDraining });
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
