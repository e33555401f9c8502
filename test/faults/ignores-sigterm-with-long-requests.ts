/** Hears SIGTERM and goes on as if nothing had been said; one in 25 of its requests takes three seconds. */
import { startServer } from './server.ts';

const LONG_MS = 3_000;
const LONG_EVERY = 25;
let requests = 0;

startServer(({ path, answer }) => {
  if (path === '/ready') return answer(200);
  requests += 1;
  setTimeout(answer, requests % LONG_EVERY === 0 ? LONG_MS : 20, 200);
});

process.on('SIGTERM', () => {});
