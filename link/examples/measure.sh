#!/usr/bin/env bash
# A bridge beside raw zenoh and bare TCP, interleaved: `measure.sh [ROUNDS]`, as root.
#
# Over loopback, and between two network namespaces with 1 Gb/s between them. Wants the programs:
#   cargo build --release -p ndsharray-link --bins --example measure
set -euo pipefail
cd "$(dirname "$0")/../.."
bridge=${BRIDGE:-$PWD/target/release/ndsh-bridge} measure=${MEASURE:-$PWD/target/release/examples/measure}
rounds=${1:-3} seconds=${SECONDS_EACH:-8} frame=24883200
a=$(mktemp -d /dev/shm/measure-a-XXXXXX) b=$(mktemp -d /dev/shm/measure-b-XXXXXX)
ns=()
children=() count=0
finish() {
    local child
    for child in "${children[@]}"; do kill "$child" 2> /dev/null || true; done
    wait
    for name in "${ns[@]}"; do ip netns del "$name"; done
    rm -rf "$a" "$b"
}
trap finish EXIT

# Runs its arguments on host a or b.
on() {
    local host=$1 dir=$a
    shift
    [ "$host" = a ] || dir=$b
    if [ ${#ns[@]} = 0 ]; then
        NDSHARRAY_DIR=$dir exec "$@"
    else
        NDSHARRAY_DIR=$dir exec ip netns exec "measure-$$-$host" "$@"
    fi
}

link() {
    local host
    ip link add "m$$-a" type veth peer name "m$$-b"
    for host in a b; do
        ip netns add "measure-$$-$host"
        ns+=("measure-$$-$host")
        ip link set "m$$-$host" netns "measure-$$-$host"
        ip -n "measure-$$-$host" link set lo up
        ip -n "measure-$$-$host" addr add "10.77.0.$([ $host = a ] && echo 1 || echo 2)/24" dev "m$$-$host"
        ip -n "measure-$$-$host" link set "m$$-$host" up
        ip netns exec "measure-$$-$host" tc qdisc add dev "m$$-$host" root tbf rate 1gbit burst 256kb latency 20ms
    done
}

# One measurement: its name, who receives, who sends.
both() {
    local name=$1 get=$2 put=$3 getter putter
    (on b $get) > "$b/out" 2>&1 &
    getter=$!
    sleep 0.5
    (on a $put) > "$a/out" 2>&1 &
    putter=$!
    children+=($getter $putter)
    wait $getter || cat "$b/out"
    kill $putter 2> /dev/null || true
    wait $putter 2> /dev/null || true
    echo "$name: $(tail -n 1 "$b/out")"
}

bridged() {
    local name=$1 bytes=$2 hz=$3 one other
    (on a "$bridge" --id a -l "tcp/$to_a:17447" -q) &
    one=$!
    (on b "$bridge" --id b -e "tcp/$to_a:17447" -q) &
    other=$!
    children+=($one $other)
    # A name of its own: a writer that is killed leaves its last value.
    count=$((count + 1))
    both "$name" "$measure read a.m$count $seconds" "$measure write m$count $bytes $hz $((seconds + 4))"
    kill $one $other
    wait $one $other 2> /dev/null || true
}

all() {
    local round
    for round in $(seq "$rounds"); do
        echo "-- $1, round $round"
        both "frames, bare TCP " "$measure tcp-get $to_b:17448 $seconds" "$measure tcp-put $to_b:17448 $frame 0 $seconds"
        both "frames, raw zenoh" "$measure zenoh-get tcp/$to_b:17449 $((seconds + 4))" "$measure zenoh-put tcp/$to_b:17449 $frame 0 $seconds low"
        bridged "frames, bridge   " $frame "$2"
        both "64 B, raw zenoh  " "$measure zenoh-get tcp/$to_b:17449 $((seconds + 4))" "$measure zenoh-put tcp/$to_b:17449 64 500 $seconds high"
        bridged "64 B, bridge     " 64 500
    done
}

to_a=127.0.0.1 to_b=127.0.0.1
all loopback 0
link
to_a=10.77.0.1 to_b=10.77.0.2
all "1 Gb/s" 10
