# shellcheck shell=bash
# Two cores of Millrace against one. Where there are only two processors the load generator has a part of one of them, and
# throughput says little: twice the throughput is the same processor time per command, and 1.7 times is 2 / 1.7 of it.

subject "Two cores against one" apart shared one two

two_cores="CPU ns per command <=1.18x, commands per second >=1x >=1.7x"
hot_stream_rows " on two cores" "CPU ns per command, commands per second >=1x"
row "1000 streams on two cores, producers=50" "$two_cores" \
  stream_load 80000 --scenario append --connections 50 --streams 1000 --payload 100
row "1000 streams on two cores, producers=50, P=16" "$two_cores" \
  stream_load 400000 --scenario append --connections 50 --pipeline 16 --streams 1000 --payload 100
row "mixed on two cores, c=50, P=16" "$two_cores" \
  stream_load 300000 --scenario mixed --connections 50 --pipeline 16 --streams 16 --payload 100
