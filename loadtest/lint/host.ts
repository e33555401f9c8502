import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import type { Api } from '../kube/api.ts';
import { type ClusterChoice, openCluster } from '../kube/cluster.ts';

interface ProgramRun {
  /** Null: no such program on the PATH. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `dropless lint` touches besides the files that it reads: directories, kustomize and a cluster. */
export interface Host {
  /** The names in a directory; null where the path is not a directory. */
  listDirectory(path: string): Promise<readonly string[] | null>;
  runProgram(name: string, args: readonly string[]): Promise<ProgramRun>;
  /** @throws {Fault} where there is no such cluster */
  openCluster(choice: ClusterChoice): Promise<{ api: Pick<Api, 'get'>; namespace: string }>;
}

/** Rendered manifests of whole platforms can be tens of megabytes. */
const MAX_OUTPUT_BYTES = 256 * 2 ** 20;

export const nodeHost: Host = {
  listDirectory: (path) =>
    readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR' || error.code === 'ENOENT') return null;
      throw error;
    }),

  openCluster: (choice) => openCluster(choice, process.env),

  runProgram: (name, args) =>
    new Promise((resolve) => {
      execFile(name, args, { maxBuffer: MAX_OUTPUT_BYTES, encoding: 'utf8' }, (error, stdout, stderr) => {
        if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (error.code === 'ENOENT') resolve({ exitCode: null, stdout, stderr });
        else
          resolve({
            exitCode: typeof error.code === 'number' ? error.code : 1,
            stdout,
            stderr: stderr || error.message,
          });
      });
    }),
};
