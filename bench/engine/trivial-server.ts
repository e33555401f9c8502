/** The cheapest answer there is. Prints its port, serves until its standard input ends. */
const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') });
console.log(server.port);
process.stdin.on('end', () => process.exit(0)).resume();
