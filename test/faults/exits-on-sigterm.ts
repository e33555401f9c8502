/** Has no handler for SIGTERM, as most programs have none: the signal ends it in the middle of its requests. */
import { startServer } from './server.ts';

startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(answer, 40, 200);
});
