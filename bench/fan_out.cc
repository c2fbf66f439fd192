// fan_out: load for the pub/sub of any Redis-protocol server.
//
//   fan_out --port P --pid PID --subscribers 100 --pipeline 16    deliveries per second, server time per delivery
//   fan_out --port P --subscribers 100 --rate 1000                age of a message when it arrives
//   fan_out --port P --subscribers 990 --deaf 10                  what ten more that never read change
//   fan_out --port P --one-way | --one-way-xadd                   latency of an idle server
//
// One figure per line, "name|value". Exit status 1: the server lost, doubled or reordered messages, or counted wrong.
#include <cstdio>
#include <iostream>

#include "load/fail.h"
#include "load/fan_out_load.h"
#include "load/fan_out_options.h"
#include "load/figures.h"
#include "load/one_way.h"
#include "load/prepare_process.h"

namespace millrace::load {
namespace {

void print_deaf(const FanOutResult& result) {
  print_figure("deaf", result.deaf);
  print_figure("deaf closed", result.deaf_closed_ns.size());
  if (!result.deaf_closed_ns.empty()) {
    print_figure("deaf first closed s", seconds(result.deaf_closed_ns.front()), 1);
    print_figure("deaf last closed s", seconds(result.deaf_closed_ns.back()), 1);
  }
  print_figure("deaf output bytes max", static_cast<uint64_t>(result.deaf_output_bytes_max));
}

void print_flaws(const FanOutResult& result) {
  std::fflush(stdout);
  std::cerr << "fan_out: of " << result.expected << " messages " << result.missing << " are missing, "
            << result.misplaced << " came twice or out of order, " << result.closed
            << " subscribers were closed; PUBLISH counted " << result.receivers << " receivers" << std::endl;
}

int run_fan_out(const FanOutOptions& options) {
  const FanOutResult result = FanOutLoad(options).run();
  print_figure("published", result.published);
  print_figure("publish replies sum", result.receivers);
  print_figure("delivered", result.delivered);
  print_figure("publishes per second", static_cast<double>(result.published) / seconds(result.publish_ns));
  print_figure("delivered per second", static_cast<double>(result.delivered) / seconds(result.deliver_ns));
  if (options.pid != 0) {
    const uint64_t per = result.delivered > 0 ? result.delivered : result.published;
    print_figure("CPU ns per message", static_cast<double>(result.server_cpu_ns) / static_cast<double>(per), 1);
    print_figure("server CPU percent",
                 100.0 * static_cast<double>(result.server_cpu_ns) / static_cast<double>(result.deliver_ns));
  }
  print_figure("own CPU percent",
               100.0 * static_cast<double>(result.own_cpu_ns) / static_cast<double>(result.deliver_ns));
  if (options.rate > 0) print_latency("", result.latency);
  if (options.deaf > 0) print_deaf(result);
  if (result.is_flawless()) return EXIT_SUCCESS;
  print_flaws(result);
  return kExitBroken;
}

int run_one_way(const FanOutOptions& options) {
  Histogram all;
  for (const Histogram& pair : measure_one_way(options)) {
    print_figure("p50 us of a pair", us(pair.quantile_ns(0.5)), 1);
    all.add(pair);
  }
  print_latency("", all);
  return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
  const FanOutOptions options = read_fan_out_options(argc, argv);
  prepare_process();
  return options.one_way || options.one_way_xadd ? run_one_way(options) : run_fan_out(options);
}

}  // namespace
}  // namespace millrace::load

int main(int argc, char** argv) {
  return millrace::load::run(argc, argv);
}
