#!/usr/bin/env node
// Where the package's `dropless` begins. Any Node must be able to parse this file, to say that it is too old: no
// module, and nothing newer than import().
'use strict';

const [needed] = /\d+\.\d+/.exec(require('../package.json').engines.node);
const own = process.versions.node;

/** @param {string} version */
function toNumber(version) {
  const [major, minor] = version.split('.').map(Number);
  return 1000 * major + minor;
}

if (toNumber(own) < toNumber(needed)) {
  console.error(`dropless: needs Node ${needed} or newer, and this is Node ${own}`);
  // As for every other fault of usage.
  process.exitCode = 2;
} else {
  import('../dist/main.js');
}
