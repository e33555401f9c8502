/** Drains by the book, but for no longer than a second: some of its requests take three. */
import { startServer } from './server.ts';

const LAME_DUCK_MS = 600;
const DRAIN_LIMIT_MS = 1_000;
const LONG_MS = 3_000;
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
  setTimeout(() => process.exit(0), LAME_DUCK_MS + DRAIN_LIMIT_MS);
});
