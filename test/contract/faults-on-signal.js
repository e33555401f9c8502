// Loaded before the service: lets a test set off faults that no request can.
process.on('SIGUSR2', () => {
  throw new Error('set off by a test');
});
process.on('SIGWINCH', () => {
  Promise.reject(new Error('set off by a test'));
});
