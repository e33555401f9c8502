/** Drains by the book, and would take longer for it than any grace period: some of its requests take so long. */
import { startServer } from './server.ts';

const LAME_DUCK_MS = 600;
const LONG_MS = 8_000;
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
  setTimeout(() => {
    server.stopListening();
    setInterval(() => server.busy.size === 0 && process.exit(0), 10);
  }, LAME_DUCK_MS);
});
