/** An error of the application that has nothing to do with its pod's timeline: every 40th answer is a 500. */
import { startServer } from './server.ts';

let answered = 0;
let isDraining = false;
startServer(({ path, answer }) => {
  answered += path === '/ready' ? 0 : 1;
  answer(path !== '/ready' && answered % 40 === 39 ? 500 : 200, { close: isDraining });
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
