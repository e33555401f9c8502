/** Answers 503 on the connections that were open at SIGTERM, as fastify does by default; new ones are served. */
import { startServer } from './server.ts';

let isDraining = false;
const server = startServer(({ isKept, answer }) =>
  answer(isDraining && isKept ? 503 : 200, { close: isDraining }),
);

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(server.stopListening, 1_500);
  setTimeout(() => process.exit(0), 1_600);
});
