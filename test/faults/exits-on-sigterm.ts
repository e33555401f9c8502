/** Exits at SIGTERM in the middle of its requests, as a program without a handler does that a shell or an init started. */
import { startServer } from './server.ts';

startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(answer, 40, 200);
});

process.on('SIGTERM', () => process.exit(143));
