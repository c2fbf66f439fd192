# shellcheck shell=bash
# Bytes per item: growth of what the allocator gave out (used_memory) and of the process.

# Prints the growth of both over what a preparation adds, by so many items.
grown() {  # side, items, preparation
  local used resident
  used=$(info "$1" memory used_memory)
  resident=$(resident_bytes "$1")
  prepare "$1" "$3"
  awk -v n="$(scaled "$2")" -v used="$used" -v used_now="$(info "$1" memory used_memory)" \
    -v resident="$resident" -v resident_now="$(resident_bytes "$1")" \
    'BEGIN { print "bytes|" (used_now - used) / n "\nRSS|" (resident_now - resident) / n }'
}
bytes_per_entry() {  # side, bytes of the value
  start "$1"
  note "redis-benchmark -n $(scaled 500000) -c 10 -P 64 xadd s * f <$2 B>; used_memory and RSS before and after"
  grown "$1" 500000 "fill 500000 $2"
}
bytes_per_pending() {  # side, how to fill
  start "$1"
  prepare "$1" "$2 500000;group"
  note "$(scaled 500) x XREADGROUP GROUP g c COUNT 1000 STREAMS s >; used_memory and RSS before and after"
  grown "$1" 500000 "deliver 500000"
}
bytes_per_connection() {  # side
  local count resident clients
  count=$(scaled 10000)
  [[ $count -le $(ulimit -n) ]] || count=$(($(ulimit -n) - 200))
  start "$1" --maxclients 20000
  resident=$(resident_bytes "$1")
  note "redis-benchmark -I -c $count"
  redis-benchmark -p "${port[$1]}" -I -c "$count" >/dev/null &
  clients=$!
  until [[ $(info "$1" clients connected_clients) -gt $count ]]; do sleep 0.1; done
  awk -v n="$count" -v before="$resident" -v now="$(resident_bytes "$1")" 'BEGIN { print "RSS|" (now - before) / n }'
  kill $clients
  wait $clients || true
}

subject "Memory" anywhere own redis ours
rounds_at_most=1

row "entry, value of 8 B" "bytes <=20 <=18, RSS" bytes_per_entry 8
row "entry, value of 64 B" "bytes <=75 <=73, RSS" bytes_per_entry 64
row "entry, value of 100 B" "bytes <=112 <=110, RSS" bytes_per_entry 100
row "entry, value of 512 B" "bytes <=540 <=530, RSS" bytes_per_entry 512
row "pending entry, dense ids" "bytes <=32 <=24, RSS" bytes_per_pending fill
row "pending entry, ids 5 ms apart" "bytes <=48 <=32, RSS" bytes_per_pending fill_sparse
row "idle connection" "RSS <=2048 <=1024" bytes_per_connection
