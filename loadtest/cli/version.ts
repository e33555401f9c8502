import packageJson from '../package.json' with { type: 'json' };

/** The commit that was built, which build.ts puts in; not there where the sources run. */
declare const BUILD_REVISION: string | undefined;

/** Of this program. */
export const VERSION: string = packageJson.version;

/** What carries the program out, for example `node 24.1.0`. */
export const RUNTIME: string =
  process.versions.bun === undefined ? `node ${process.versions.node}` : `bun ${process.versions.bun}`;

/** What `--version` shows: version, commit and runtime. */
export const VERSION_LINE = `dropless ${VERSION} (${toOrigin()}, ${RUNTIME})`;

function toOrigin(): string {
  return typeof BUILD_REVISION === 'undefined' ? 'from the sources' : `commit ${BUILD_REVISION}`;
}
