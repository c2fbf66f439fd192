# shellcheck shell=bash
# Single commands with redis-benchmark.

b100=$(bytes 100)

# `benchmark`, and what its commands cost divided by the entries in a reply.
per_entry() {  # side, entries, benchmark's arguments
  benchmark "$1" "${@:3}" | awk -F'|' -v n="$2" '{ print } $1 == "CPU ns" { print "CPU ns per entry|" $2 / n }'
}
in_us() {  # side, benchmark's arguments
  benchmark "$@" | awk -F'|' '{ print } / ns/ { sub(/ ns/, " us"); print $1 "|" $2 / 1000 }'
}
# What a command costs that comes through redis-cli --pipe. An awk program makes them of the ids of fill_sparse.
piped() {  # side, ids, preparation, what the commands are, awk program
  local side=$1 count before after
  prepare "$side" "$3"
  numbered "$(scaled "$2")" | awk "$awk_request$5" >"$work/requests"
  count=$(grep -c '^\*' "$work/requests")
  note "redis-cli --pipe, $count x $4"
  before=$(spent "$side")
  pipe "$side" <"$work/requests"
  after=$(spent "$side")
  print_costs "$before" "$after" "$count"
}

subject "Commands, and the floor" apart shared redis ours floor

no_worse="CPU ns <=1x, per s >=1x"
row "PING, c=50" "$no_worse" benchmark 80000 "" -c 50 -t ping_mbulk
row "PING, c=50, P=16" "$no_worse" benchmark 600000 "" -c 50 -P 16 -t ping_mbulk
row "PING, RESP3, c=50, P=16" "$no_worse" benchmark 600000 "" -3 -c 50 -P 16 -t ping_mbulk
row "SET 100 B, c=50, P=16" "$no_worse" benchmark 400000 empty -c 50 -P 16 -r 100000 set n:__rand_int__ "$b100"
row "GET 100 B, c=50, P=16" "$no_worse" benchmark 400000 "cli SET n $b100" -c 50 -P 16 get n
row "INCR, c=50, P=16" "$no_worse" benchmark 400000 empty -c 50 -P 16 incr n

xadd=(xadd s '*' f "$b100")
for c in 1 2; do
  row "XADD 100 B, c=$c" "$no_worse >=2x" benchmark 20000 empty -c $c "${xadd[@]}"
  row "XADD 100 B, c=$c, P=16" "$no_worse >=2x" benchmark 200000 empty -c $c -P 16 "${xadd[@]}"
  row "XADD 100 B, c=$c, P=100" "$no_worse >=2x" benchmark 300000 empty -c $c -P 100 "${xadd[@]}"
done
row "XADD 100 B, c=50" "CPU ns <=0.93x <=0.91x, per s >=1x" benchmark 80000 empty -c 50 "${xadd[@]}"
row "XADD 100 B, c=50, P=16" "CPU ns <=0.6x <=0.5x, per s >=1x" benchmark 400000 empty -c 50 -P 16 "${xadd[@]}"
row "XADD 100 B, c=50, P=64" "CPU ns <=0.4x <=0.27x, per s >=1x" benchmark 600000 empty -c 50 -P 64 "${xadd[@]}"
row "XADD 100 B, c=50, P=100" "CPU ns <=0.4x <=0.27x, per s >=1x" benchmark 600000 empty -c 50 -P 100 "${xadd[@]}"

subject "Commands on streams" apart shared redis ours

row "XADD MAXLEN ~ 10000, c=50, P=16" "$no_worse" \
  benchmark 400000 empty -c 50 -P 16 xadd s maxlen '~' 10000 '*' f "$b100"
row "XLEN, c=50, P=16" "$no_worse" benchmark 500000 "fill 100" -c 50 -P 16 xlen s
readgroup=(xreadgroup group g c count)
row "XREADGROUP COUNT 10, c=1" "CPU ns per entry <=1x, per s >=1x" \
  per_entry 10 10000 "fill 200000;group" -c 1 "${readgroup[@]}" 10 streams s '>'
row "XREADGROUP COUNT 10, c=50" "CPU ns per entry <=0.4x <=0.2x, per s >=1x" \
  per_entry 10 20000 "fill 200000;group" -c 50 "${readgroup[@]}" 10 streams s '>'
row "XREADGROUP COUNT 10, c=50, P=16" "CPU ns per entry <=0.4x <=0.2x, per s >=1x" \
  per_entry 10 20000 "fill 200000;group" -c 50 -P 16 "${readgroup[@]}" 10 streams s '>'
row "XREADGROUP COUNT 100, c=50" "CPU ns per entry <=0.4x <=0.2x, per s >=1x" \
  per_entry 100 4000 "fill 400000;group" -c 50 "${readgroup[@]}" 100 streams s '>'
delivered="fill_sparse 200000;group;deliver 200000"
# shellcheck disable=SC2016  # awk programs
{
  row "XACK of pending entries, one id" "CPU ns <=0.5x" \
    piped 200000 "$delivered" "XACK s g id" '{ request("XACK s g " $1) }'
  row "XACK of pending entries, ten ids" "CPU ns <=0.5x" \
    piped 200000 "$delivered" "XACK s g id ... id" \
    '{ ids = ids " " $1 } NR % 10 == 0 { request("XACK s g" ids); ids = "" }'
}

pending="fill 100000;group;deliver 100000"
row "XRANGE COUNT 100, c=1" "CPU us <=1x, per s >=1x" in_us 10000 "fill 100000" -c 1 xrange s - + count 100
row "XRANGE COUNT 100, c=50" "CPU us <=0.5x, user us <=0.38x <=0.23x, per s >=1x" \
  in_us 20000 "fill 100000" -c 50 xrange s - + count 100
row "XAUTOCLAIM COUNT 100, c=50" "CPU us <=0.25x <=0.11x, per s >=1x" \
  in_us 5000 "$pending" -c 50 xautoclaim s g other 0 0-0 count 100
row "XPENDING, c=50, P=16" "CPU ns <=0.5x, per s >=1x" benchmark 200000 "$pending" -c 50 -P 16 xpending s g
row "XPENDING - + 100, c=50" "CPU us <=0.5x, per s >=1x" in_us 10000 "$pending" -c 50 xpending s g - + 100
