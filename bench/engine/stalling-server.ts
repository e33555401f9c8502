/**
 * Answers at once, but for the last STALL_MS of every PERIOD_MS, in which each request waits for the period's end.
 * Prints its port, serves until its standard input ends.
 *
 *   stalling-server PERIOD_MS STALL_MS
 */
const [periodMs = 0, stallMs = 0] = process.argv.slice(2).map(Number);

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch() {
    const leftMs = periodMs - (performance.now() % periodMs);
    if (leftMs <= stallMs) await Bun.sleep(leftMs);
    return new Response('ok');
  },
});
console.log(server.port);
process.stdin.on('end', () => process.exit(0)).resume();
