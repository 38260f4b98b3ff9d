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

# lock FILE: held until the script ends. Whatever the script leaves running must be started with 9>&-, else it keeps the lock.
lock() {
  mkdir -p "$(dirname "$1")"
  exec 9>"$1"
  flock -w 180 9 || fail "$exit_unavailable" "another process has held ${1#"$repo_root"/} for 180 s; end it and try again"
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
