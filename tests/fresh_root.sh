#!/usr/bin/env bash
# Runs the steps of the Dockerfile where no image can be pulled: in a fresh Debian that debootstrap makes.
#   tests/fresh_root.sh FOLDER [PATH ...]
# FOLDER is where the root is made, some gigabytes; it must not be there. Each PATH of this machine, such as a
# folder with packages that pip was told of or with certificates of a site, can be read at the same place inside.
# Needs root and debootstrap.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
root=$(realpath -m "${1:?name the folder of the new root}")
shift
[ "$(id -u)" = 0 ] || { echo "fresh_root.sh: only root can make a root; start it with sudo." >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "fresh_root.sh: there is no debootstrap; apt-get install debootstrap." >&2; exit 2; }
[ ! -e "$root" ] || { echo "$root: is there already; name a folder that is not." >&2; exit 2; }

mounted=()
leave() { for ((i = ${#mounted[@]}; i-- > 0;)); do umount "${mounted[i]}"; done; }
trap leave EXIT
show() { # a folder of this machine, seen inside: what is installed there must not write into it
  mkdir -p "$root$1"
  mount --bind "$1" "$root$1"
  mounted+=("$root$1")
  mount -o remount,bind,ro "$root$1"
}

where=/
environment=(HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
# What pip was told on this machine: mirrors and certificates.
while IFS= read -r pair; do environment+=("$pair"); done < <(env | grep -E '^(PIP|SSL)_' || true)

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" sh -ec "cd '$where' && $1"; }

step() {
  local word=$1 rest=$2 begin=$SECONDS
  echo "== $word $rest"
  case $word in
    FROM)
      rest=${rest#debian:}
      debootstrap --variant=minbase "${rest%-slim}" "$root" >"$root.log" 2>&1 || { tail -5 "$root.log" >&2; exit 1; }
      cp /etc/resolv.conf "$root/etc/resolv.conf"
      [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
      mount -t proc proc "$root/proc" && mounted+=("$root/proc")
      for path in "${shared[@]}"; do show "$path"; done
      ;;
    RUN) inside "$rest" ;;
    WORKDIR) where=$rest; mkdir -p "$root$where" ;;
    ENV) environment+=("$rest") ;;
    COPY) # what git keeps of the project, and its history
      [ "$rest" = ". ." ] || { echo "COPY $rest: this script knows COPY . . alone." >&2; exit 2; }
      git -c safe.directory="$project" clone -q --no-hardlinks "$project" "$root$where"
      ;;
    CMD) echo "(not run: what the container is for)" ;;
    *) echo "$word: this script does not know this instruction." >&2; exit 2 ;;
  esac
  echo "== $word took $((SECONDS - begin)) s"
}

shared=("$@")
while IFS= read -r line; do
  case $line in '' | '#'*) continue ;; esac
  # Not from this file, or a command that reads would swallow the steps that follow.
  step "${line%% *}" "${line#* }" </dev/null
done < <(sed -e ':more' -e '/\\$/{N;s/\\\n *//;b more' -e '}' "$project/Dockerfile")
echo "All steps of the Dockerfile were carried out in $root."
