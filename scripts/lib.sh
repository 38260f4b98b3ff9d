# shellcheck shell=bash
#
# What the scripts share. Source it; it is not a program:
#
#   source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
#
# It sets the strict mode, finds the repository from its own path, and gives exit codes, one-line errors, free ports and
# checks on processes. Answers go to stdout, everything that is said to a person goes to stderr.

set -euo pipefail

scripts_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
repo_root=$(dirname "$scripts_dir")
script_name=${0##*/}

# The exit codes of all scripts, by their names in sysexits.h.
readonly exit_usage=64         # the command line is wrong
readonly exit_unavailable=69   # something outside is missing or did not start
# shellcheck disable=SC2034 # used by the scripts that source this
readonly exit_configuration=78 # a setting or the state on disk does not allow it

# Every script compiles with the same cache. A cache that the caller names is kept.
export CCACHE_DIR=${CCACHE_DIR:-$repo_root/.cache/ccache}
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

say() { printf '%s\n' "$*" >&2; }

# fail CODE SENTENCE: ends the script. The sentence says what was found, what is allowed and what to do.
fail() {
  local code=$1
  shift
  say "$script_name: $*"
  exit "$code"
}

usage_error() { fail "$exit_usage" "$* (see $script_name --help)"; }

# need_value OPTION "$@": the value that follows an option, or a usage error.
need_value() {
  [[ $# -ge 2 && -n $2 ]] || usage_error "$1 needs a value"
  printf '%s' "$2"
}

need_program() {
  command -v "$1" >/dev/null || fail "$exit_unavailable" "the program '$1' was not found; run scripts/install"
}

# A name becomes a folder under build/, so it must be a plain word.
check_name() {
  [[ $1 =~ ^[a-z0-9][a-z0-9_-]{0,31}$ ]] \
    || usage_error "'$1' is no name; allowed are up to 32 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
}

# lock FILE [SECONDS]: held until the shell that calls ends; waits so long for another holder, 180 s unless given. Whatever is left
# running must be started with 9>&-, else it keeps the lock.
lock() {
  mkdir -p "$(dirname "$1")"
  exec 9>"$1"
  flock -w "${2:-180}" 9 || fail "$exit_unavailable" "another process has held ${1#"$repo_root"/} for ${2:-180} s; end it and try again"
}

# free_ports N: N ports of 127.0.0.1, one a line, on which nothing listens. They lie below the range from which the kernel
# serves outgoing connections and port 0, so that a server can be down for a while and still get its port back.
free_ports() {
  local first=10000 last
  last=$(($(cut -f1 /proc/sys/net/ipv4/ip_local_port_range) - 1))
  [[ $last -ge 12000 ]] || last=32000
  local files=(/proc/net/tcp)
  [[ -r /proc/net/tcp6 ]] && files+=(/proc/net/tcp6)
  # Reading to the end, instead of leaving early, keeps a broken pipe from looking like a failure.
  shuf -i "$first-$last" -n 2000 | awk -v wanted="$1" '
    NR == FNR || FILENAME != "-" { split($2, local, ":"); taken[toupper(local[2])] = 1; next }
    found < wanted && !(sprintf("%04X", $1) in taken) { print $1; found++ }
  ' "${files[@]}" -
}

# runs PID ARGUMENT...: whether that process is alive and each ARGUMENT is one whole argument of its command line. A pid file
# may be older than the process that has its number now, so nothing is signalled before this has said yes.
runs() {
  local pid=$1 wanted state
  shift
  [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/cmdline ]] || return 1
  state=$(process_state "$pid")
  [[ -n $state && $state != Z && $state != X ]] || return 1
  for wanted in "$@"; do
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -Fx -e "$wanted" >/dev/null || return 1
  done
}

# The letter of /proc/PID/stat: R, S, D run; T is stopped by a signal; Z is dead and not yet collected.
process_state() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  stat=${stat##*) }
  printf '%s' "${stat%% *}"
}

# gone_within SECONDS PID ARGUMENT...: waits until `runs PID ARGUMENT...` is false.
gone_within() {
  local end=$((SECONDS + $1 + 1))
  shift
  while runs "$@"; do
    [[ $SECONDS -lt $end ]] || return 1
    sleep 0.05
  done
}

# The major version of the JVM on the path, empty without one.
java_major() {
  command -v java >/dev/null || return 0
  java -version 2>&1 | awk -F '"' '/version "/ { split($2, part, "."); print (part[1] == 1 ? part[2] : part[1]); exit }'
}

# --- Build trees: build/PRESET, as CMakePresets.json names them ---------------------------------------------------------------

# Two at once in one tree wait for each other.
lock_tree() { lock "$repo_root/build/.$1.lock" 3600; }

# configure PRESET: only when there is nothing yet or the presets changed; Ninja itself notices changed CMakeLists.
configure() (
  tree=$repo_root/build/$1
  need_program cmake
  need_program ninja
  lock_tree "$1"
  if [[ -f $tree/build.ninja && ! $repo_root/CMakePresets.json -nt $tree/CMakeCache.txt ]]; then exit; fi
  mkdir -p "$tree"
  # What CMake has to say matters only when it fails.
  if ! (cd "$repo_root" && cmake --preset "$1") >"$tree/configure.log" 2>&1 9>&-; then
    cat "$tree/configure.log" >&2
    fail 1 "CMake refused the preset '$1' (above: build/$1/configure.log)"
  fi
)

# compile PRESET JOBS [TARGET...]: configures and builds.
compile() (
  preset=$1 jobs=$2
  shift 2
  configure "$preset" || exit
  lock_tree "$preset"
  ninja --quiet -C "$repo_root/build/$preset" -j "$jobs" "$@" >&2 9>&-
)

check_jobs() { [[ $1 =~ ^[1-9][0-9]{0,2}$ ]] || usage_error "--jobs '$1': allowed are 1 to 999"; }

# --- Services for tests and benches -------------------------------------------------------------------------------------------

services_started=()
services_starting=()

# begin_service VARIABLE SCRIPT ARGUMENT...: has `scripts/SCRIPT start ARGUMENT...` done beside us; await_services exports what each
# answers as its VARIABLE. What ran before is left running by stop_services.
begin_service() {
  local variable=$1 script=$2 before answer
  shift 2
  before=$("$scripts_dir/$script" status "$@" 2>/dev/null || true)
  # A test kills nodes and servers, so one of several may be down in what ran before. Noted before the start, which may be cut off.
  [[ $before == *running* || $before == *paused* ]] || services_started+=("$script stop $*")
  answer=$(mktemp)
  "$scripts_dir/$script" start "$@" >"$answer" 9>&- &
  services_starting+=("$! $variable $answer")
}

await_services() {
  local starting process variable answer line result=0
  for starting in "${services_starting[@]}"; do
    read -r process variable answer <<<"$starting"
    if wait "$process"; then
      line=$(tail -n 1 "$answer")
      export "$variable=${line#*=}"
    else
      result=1
    fi
    rm -f "$answer"
  done
  services_starting=()
  return "$result"
}

stop_services() {
  local service words children=()
  for service in "${services_started[@]}"; do
    read -r -a words <<<"$service"
    "$scripts_dir/${words[0]}" "${words[@]:1}" &
    children+=($!)
  done
  if [[ ${#children[@]} -gt 0 ]]; then wait "${children[@]}" || true; fi
  services_started=()
}
