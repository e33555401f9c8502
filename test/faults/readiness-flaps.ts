/** Is overwhelmed now and then: for a moment it is not ready, and answers what still reaches it with 503. */
import { startServer } from './server.ts';

let isDraining = false;
const startMs = performance.now();
const isWell = () => (performance.now() - startMs) % 2_000 < 1_300;

startServer(({ answer }) => answer(isWell() ? 200 : 503, { close: isDraining }));

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
