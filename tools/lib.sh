# Shared by ./run, ./test and tools/*: sourced by bash, from the project's root.

fail() {
  echo "$*" >&2
  exit 1
}

# step LABEL COMMAND…: runs it with its output in a log, and prints one line with the seconds that it took.
step() {
  local label=$1 log status=0 start=$SECONDS
  shift
  mkdir -p build/logs
  log=build/logs/$(tr -cs 'A-Za-z0-9' '-' <<<"$label" | sed 's/-*$//').log
  printf '%s … ' "$label"
  # Not `if "$@"`: that would switch off the command's own set -e.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ $status -ne 0 ]; then
    printf 'failed after %d s\n' $((SECONDS - start))
    tail -n 30 "$log" >&2
    fail "$label failed; the whole log is in $log"
  fi
  printf '%d s\n' $((SECONDS - start))
}

# hash_of FILE-OR-TEXT…: one key for a stamp file. Names of files count with their contents.
hash_of() {
  local item
  for item in "$@"; do
    echo "$item"
    if [ -f "$item" ]; then cat "$item"; fi
  done | sha256sum | cut -c1-32
}

is_fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# configure PRESET: only when this tree has not been configured since the presets changed.
configure() {
  local preset=$1
  local stamp=build/$preset/.configured key
  key=$(hash_of CMakePresets.json cmake/*.cmake "$PWD")
  if [ -f "build/$preset/build.ninja" ] && is_fresh "$stamp" "$key"; then return; fi
  step "configure $preset" cmake --preset "$preset"
  echo "$key" >"$stamp"
}

# build PRESET [TARGET…]: ninja's own status line on a terminal, else a line for every tenth part.
build() {
  local preset=$1 start=$SECONDS
  shift
  if [ -t 1 ]; then
    ninja -C "build/$preset" "$@" || fail "the $preset build failed: see above"
  else
    ninja -C "build/$preset" "$@" 2>&1 | awk -v preset="$preset" '
      match($0, /^\[[0-9]+\/[0-9]+\]/) {
        split(substr($0, 2, RLENGTH - 2), part, "/")
        tenth = int(part[1] * 10 / part[2])
        if (tenth > shown) { shown = tenth; print "build " preset ": " part[1] " of " part[2] " steps"; fflush() }
        next
      }
      /^-- / { next }
      /^ninja: / { if ($0 !~ /Entering directory|no work to do/) print; next }
      { print; fflush() }'
    [ "${PIPESTATUS[0]}" -eq 0 ] || fail "the $preset build failed: see above"
  fi
  if [ $((SECONDS - start)) -ge 2 ]; then echo "build $preset: done in $((SECONDS - start)) s"; fi
}
