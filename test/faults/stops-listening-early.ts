/** Drains its connections by the book, but takes no new one from the moment of SIGTERM on. */
import { startServer } from './server.ts';

let isDraining = false;
const server = startServer(({ answer }) => answer(200, { close: isDraining }));

process.on('SIGTERM', () => {
  isDraining = true;
  server.stopListening();
  setTimeout(() => process.exit(0), 1_500);
});
