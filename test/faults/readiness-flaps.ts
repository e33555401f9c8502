/** Is overwhelmed now and then: for a moment it is not ready, and answers what still reaches it with 503. */
import { FAULT_MS, startServer } from './server.ts';

let isDraining = false;
const startMs = performance.now();
/** Long enough for a probe a second to see both. */
const CYCLE_MS = Math.max(2_000, FAULT_MS);
const isWell = () => (performance.now() - startMs) % CYCLE_MS < 0.65 * CYCLE_MS;

startServer(({ answer }) => answer(isWell() ? 200 : 503, { close: isDraining }));

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
