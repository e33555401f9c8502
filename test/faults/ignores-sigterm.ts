/** Hears SIGTERM and goes on as if nothing had been said. */
import { startServer } from './server.ts';

startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(answer, 20, 200);
});

process.on('SIGTERM', () => {});
