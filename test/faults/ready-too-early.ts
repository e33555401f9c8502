/** Says that it is ready at once, and answers 503 until what it needs is loaded. */
import { FAULT_MS, isNew, startServer } from './server.ts';

let isLoaded = !isNew;
let isDraining = false;
setTimeout(() => {
  isLoaded = true;
}, FAULT_MS);

startServer(({ path, answer }) => {
  answer(path === '/ready' || isLoaded ? 200 : 503, { close: isDraining });
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
