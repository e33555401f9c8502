/** The least a Fetch handler on Bun can do: what the service is measured against. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: () => new Response('{"status":"ok"}', { headers: { 'content-type': 'application/json' } }),
});
console.log(JSON.stringify({ message: 'listening', port: server.port }));
