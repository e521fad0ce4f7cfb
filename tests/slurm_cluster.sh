#!/usr/bin/env bash
# A Slurm cluster of two virtual nodes on this machine, for the tests: all of it in one folder.
# usage: slurm_cluster.sh up FOLDER PORT   (PORT and the two after it are free)
#        slurm_cluster.sh down FOLDER
# Debian's slurm-wlm brings slurmctld, slurmd and munge. SLURM_CONF=FOLDER/slurm.conf is the cluster.
set -euo pipefail
folder=$2
export SLURM_CONF=$folder/slurm.conf

alive() { [ -f "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }

down() {
  # A daemon waits for its jobs, so those go first; whoever still lives after ten seconds is killed.
  scancel --user="$(id -un)" 2>/dev/null || true
  for _ in $(seq 100); do
    [ -z "$(squeue -h 2>/dev/null)" ] && break
    sleep 0.1
  done
  for daemon in slurmd.n1 slurmd.n2 slurmctld munged; do
    alive $daemon && kill "$(cat "$folder/$daemon.pid")"
    for _ in $(seq 100); do
      alive $daemon || break
      sleep 0.1
    done
    alive $daemon && kill -KILL "$(cat "$folder/$daemon.pid")"
    rm -f "$folder/$daemon.pid"
  done
}

up() {
  local host user port=$1
  host=$(hostname -s) user=$(id -un)
  mkdir -p "$folder"/{state,bin,spool/n1,spool/n2}
  # A key and a socket of its own: nothing of the system is touched.
  (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.sock" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
  # Neither cgroups nor affinity, so that it works in a container. Memory and cores are made up.
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$folder/munge.sock
SlurmUser=$user
SlurmdUser=$user
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
MinJobAge=600
KillWait=2
SchedulerParameters=sched_interval=1,bf_interval=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4 RealMemory=16000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=4 RealMemory=16000
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
  # Inside a job the plugin hides SLURM_CONF from srun, which would look for the system's cluster.
  printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" \
    >"$folder/bin/srun"
  chmod +x "$folder/bin/srun"
  slurmctld -f "$SLURM_CONF"
  for node in n1 n2; do slurmd -f "$SLURM_CONF" -N $node; done
  for _ in $(seq 300); do
    [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" = 2 ] && return
    sleep 0.1
  done
  echo "The cluster did not come up; its logs are in $folder." >&2
  exit 1
}

"$1" "${@:3}"
