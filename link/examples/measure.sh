#!/usr/bin/env bash
# A bridge beside raw zenoh and bare TCP, interleaved: `measure.sh [PART]...`, as root. All parts
# take five minutes.
#
# Hosts a and b are two network namespaces with 1 Gb/s between them, or two directories where it
# says loopback. It wants:
#   cargo build --release -p ndsharray-link --bins --example measure
#
#   loopback   frames of 24.9 MB as fast as they go, in order; 64 B alone
#   line       the same over 1 Gb/s
#   beside     64 B beside frames over 1 Gb/s
#   stopped    one of two receivers is stopped (SIGSTOP) in rounds 3 and 4, and cut off in 7 and 8
#   many       200 channels, of which 20 are read: memory and threads
set -euo pipefail
cd "$(dirname "$0")/../.."
bridge=${BRIDGE:-$PWD/target/release/ndsh-bridge} measure=${MEASURE:-$PWD/target/release/examples/measure}
# What is added to the end points of the bridges, such as `#so_sndbuf=1000000`.
SOCKETS=${SOCKETS:-}
parts=("$@")
[ ${#parts[@]} != 0 ] || parts=(loopback line beside stopped many)
frame=24883200
dir=$(mktemp -d /dev/shm/measure-XXXXXX)
spaces=() children=() port=17447
finish() {
    local child space
    for child in "${children[@]}"; do kill -CONT "$child" 2> /dev/null && kill "$child" 2> /dev/null || true; done
    wait
    for space in "${spaces[@]}"; do ip netns del "$space"; done
    rm -rf "$dir"
}
trap finish EXIT

link() {
    local host
    [ ${#spaces[@]} = 0 ] || return 0
    ip link add "m$$-a" type veth peer name "m$$-b"
    for host in a b; do
        ip netns add "measure-$$-$host"
        spaces+=("measure-$$-$host")
        ip link set "m$$-$host" netns "measure-$$-$host"
        ip -n "measure-$$-$host" link set lo up
        ip -n "measure-$$-$host" addr add "10.77.0.$([ $host = a ] && echo 1 || echo 2)/24" dev "m$$-$host"
        ip -n "measure-$$-$host" link set "m$$-$host" up
        ip netns exec "measure-$$-$host" tc qdisc add dev "m$$-$host" root tbf rate 1gbit burst 256kb latency 20ms
    done
}

# Runs the rest on a host, in the namespace of another one if it says `HOST@SPACE`; without spaces
# over loopback.
on() {
    local host=${1%@*} space=${1#*@} prefix=()
    shift
    mkdir -p "$dir/$host"
    [ "$is_line" = no ] || prefix=(ip netns exec "measure-$$-$space")
    NDSHARRAY_DIR=$dir/$host exec "${prefix[@]}" "$@"
}

# Starts the rest on a host, and leaves its process in `child`.
start() {
    local out=$1
    shift
    (on "$@") > "$dir/$out" 2>&1 &
    child=$!
    children+=("$child")
}

stop() {
    kill "$@" 2> /dev/null || true
    wait "$@" 2> /dev/null || true
}

bridges() {
    start bridge-a a "$bridge" --id a -l "tcp/0.0.0.0:$port$SOCKETS" "$@" -q
    bridge_a=$child
    start bridge-b b "$bridge" --id b -e "tcp/$to_a:$port$SOCKETS" "$@" -q
    bridge_b=$child
}

# A table: its heading, and what source and sink are to do. Ways are t, z and b.
table() {
    local heading=$1 ways_a=() ways_b=() words=() word options=() sink
    shift
    port=$((port + 4))
    for word in "$@"; do
        case $word in
        t) ways_a+=("tcp:$to_b:$((port + 1))") ways_b+=("tcp:$to_b:$((port + 1))") ;;
        z) ways_a+=("zenoh:values:tcp/0.0.0.0:$((port + 2))") ways_b+=("zenoh:values:tcp/$to_a:$((port + 2))") ;;
        b) ways_a+=("bridge:a.") ways_b+=("bridge:a.") ;;
        order=all) words+=("$word") options=(--in-order '*' --history 3) ;;
        *) words+=("$word") ;;
        esac
    done
    echo
    echo "$heading"
    echo
    rm -rf "$dir"/{a,b,sent,sending}
    bridges "${options[@]}"
    start sunk b "$measure" sink "${words[@]}" until="$dir/sent" "${ways_b[@]}"
    sink=$child
    start sending a "$measure" source "${words[@]}" "${ways_a[@]}"
    wait "$child" || cat "$dir/sending"
    mv "$dir/sending" "$dir/sent"
    wait "$sink" || true
    cat "$dir/sunk"
    stop "${children[@]}"
    children=()
}

over() {
    is_line=$1 to_a=$2 to_b=$3
}

loopback() {
    over no 127.0.0.1 127.0.0.1
    table "Loopback, frames in order" rounds=5 seconds=1.5 pause=0.5 bulk=$frame order=all t z b
    table "Loopback, 64 B alone" rounds=30 seconds=0.4 pause=0.05 small-hz=500 z b
}

line() {
    link
    over yes 10.77.0.1 10.77.0.2
    table "1 Gb/s, frames in order" rounds=3 seconds=4 pause=1 bulk=$frame order=all t z b
    table "1 Gb/s, 64 B alone" rounds=30 seconds=0.4 pause=0.05 small-hz=500 z b
}

beside() {
    link
    over yes 10.77.0.1 10.77.0.2
    table "1 Gb/s, 64 B beside frames" rounds=5 seconds=3 pause=1 bulk=$frame bulk-hz=10 small-hz=500 z b
}

# Rounds of three seconds. What is stopped is the process in `target`.
disturb() {
    local target=$1
    sleep 8
    kill -STOP "$target"
    sleep 6
    kill -CONT "$target"
    sleep 6
    ip -n "measure-$$-b" link set "m$$-b" down
    sleep 6
    ip -n "measure-$$-b" link set "m$$-b" up
}

stopped() {
    local words=(rounds=10 seconds=3 pause=0 bulk=3000000 bulk-hz=30 each=yes) until=until=$dir/sent way sink target
    link
    over yes 10.77.0.1 10.77.0.2
    for way in zenoh bridge; do
        port=$((port + 4))
        rm -rf "$dir"/{a,b,c,sent,sending}
        # c, which nothing happens to, is in the namespace of a.
        if [ $way = bridge ]; then
            bridges
            target=$bridge_b
            start bridge-c c@a "$bridge" --id c -e "tcp/127.0.0.1:$port" -q
            start sunk c@a "$measure" sink "${words[@]}" "$until" bridge:a.
            sink=$child
            start sunk-b b "$measure" sink "${words[@]}" "$until" bridge:a.
            start sending a "$measure" source "${words[@]}" bridge:a.
        else
            start sunk c@a "$measure" sink "${words[@]}" "$until" "zenoh:c:tcp/127.0.0.1:$port"
            sink=$child
            start sunk-b b "$measure" sink "${words[@]}" "$until" "zenoh:b:tcp/$to_a:$port"
            target=$child
            start sending a "$measure" source "${words[@]}" together=yes "zenoh:"{b,c}":tcp/0.0.0.0:$port"
        fi
        local source=$child disturbs
        echo
        echo "One of two receivers stopped, then cut off, $way: what the other one gets of 3 MB, 30 a second"
        echo
        disturb "$target" &
        disturbs=$!
        children+=("$disturbs")
        wait "$source" || cat "$dir/sending"
        wait "$disturbs"
        if [ $way = bridge ]; then
            echo "bridge a: $(grep -E '^(VmHWM|RssAnon)' "/proc/$bridge_a/status" | tr -s '\t\n ' ' ')"
            echo
        fi
        mv "$dir/sending" "$dir/sent"
        wait "$sink" || true
        cat "$dir/sunk"
        stop "${children[@]}"
        children=()
    done
}

many() {
    local process
    over no 127.0.0.1 127.0.0.1
    port=$((port + 4))
    rm -rf "$dir"/{a,b}
    echo
    echo "200 channels, 20 of them read, 1 kB, 50 a second"
    echo
    bridges
    start writing a "$measure" channels 200 20 50 16
    start reading b "$measure" readers a. 20 10
    sleep 8
    for process in a b; do
        local pid=bridge_$process
        echo "bridge $process: $(grep -E '^(VmRSS|RssAnon|RssShmem|Threads)' "/proc/${!pid}/status" | tr -s '\t\n ' ' ')"
    done
    wait "$child" || true
    cat "$dir/reading"
    stop "${children[@]}"
    children=()
}

for part in "${parts[@]}"; do "$part"; done
