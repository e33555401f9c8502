/** Drains by the book, but for too short a time: some of its requests take twice as long. */
import { FAULT_MS, startServer } from './server.ts';

const LAME_DUCK_MS = 600;
const LONG_MS = 2 * FAULT_MS;
const LONG_EVERY = 25;
let isDraining = false;
let requests = 0;

const server = startServer(({ path, answer }) => {
  if (path === '/ready') return answer(isDraining ? 503 : 200, { close: isDraining });
  requests += 1;
  setTimeout(() => answer(200, { close: isDraining }), requests % LONG_EVERY === 0 ? LONG_MS : 2);
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(server.stopListening, LAME_DUCK_MS);
  setTimeout(() => process.exit(0), LAME_DUCK_MS + FAULT_MS);
});
