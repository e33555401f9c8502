#!/usr/bin/env bash
# What action.yml runs: gets dropless from a release, checks it against the checksums there, puts it on the PATH and
# carries out INPUT_ARGS. Exits as dropless does, or with 2 where that could not be started.
# Bash 3.2, which is that of macOS.
set -euo pipefail

fail() { # fail MESSAGE
  echo "::error title=dropless::$1"
  exit 2
}

case $RUNNER_OS-$RUNNER_ARCH in
  Linux-X64) platform=linux-x64 ;;
  Linux-ARM64) platform=linux-arm64 ;;
  macOS-X64) platform=darwin-x64 ;;
  macOS-ARM64) platform=darwin-arm64 ;;
  *) fail "there is no binary for $RUNNER_OS on $RUNNER_ARCH" ;;
esac
libc=$(ldd --version 2>&1 || true)
case $libc in *musl*) platform=$platform-musl ;; esac # as in a container of Alpine
version=${INPUT_VERSION#v}
if [ -z "$version" ]; then
  version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../loadtest/package.json")
fi
archive=dropless-$platform.tar.gz
directory=$RUNNER_TEMP/dropless-$version
dropless=$directory/dropless
mkdir -p "$directory"

for name in SHA256SUMS "$archive"; do
  address=$INPUT_RELEASES/v$version/$name
  curl --fail --silent --show-error --location --retry 3 --output "$directory/$name" "$address" ||
    fail "cannot get $address"
done
expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$directory/SHA256SUMS")
[ -n "$expected" ] || fail "SHA256SUMS of $version has no checksum of $archive"
actual=$({ sha256sum || shasum -a 256; } <"$directory/$archive" 2>/dev/null | awk '{ print $1 }' || true)
[ "$actual" = "$expected" ] ||
  fail "$archive of $version has the SHA-256 ${actual:-that nothing here can tell}, and should have $expected"
tar -xzf "$directory/$archive" -C "$directory" dropless
echo "$directory" >>"$GITHUB_PATH"

# xargs knows quotes, and expands nothing: what a pull request puts into a title is no command here.
words=()
if [ -n "${INPUT_ARGS//[[:space:]]/}" ]; then
  xargs printf '%s\0' <<<"$INPUT_ARGS" >"$directory/words" || fail "the quotes in args are not balanced"
  while IFS= read -r -d '' word; do words+=("$word"); done <"$directory/words"
fi

if [ "${words[0]:-}" = lint ]; then
  if [ -n "$INPUT_SARIF" ]; then # without a summary: one is enough
    env -u GITHUB_STEP_SUMMARY "$dropless" "${words[@]}" --output sarif >"$INPUT_SARIF" || true
  fi
  exec "$dropless" "${words[@]}" --output github
fi
[ -z "$INPUT_SARIF" ] || fail "sarif is for lint: dropless ${words[0]:-} writes none"
[ ${#words[@]} -gt 0 ] || exit 0
status=0
"$dropless" "${words[@]}" || status=$?
[ "$status" = 0 ] ||
  echo "::error title=dropless ${words[0]}::exit code $status; the log and the summary of the job say why"
exit "$status"
