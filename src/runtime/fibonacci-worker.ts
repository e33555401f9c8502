import { fibonacci } from '../domain/fibonacci.ts';

/** Entry of a worker thread: a job is a number, its result the Fibonacci number. */
export default fibonacci;
