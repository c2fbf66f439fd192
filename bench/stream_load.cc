// stream_load: load for the streams of any Redis-protocol server.
//
//   stream_load --port P --pid PID --connections 50 --pipeline 16    XADD to one stream, as fast as it goes
//   stream_load --port P --streams 1000 --rate 20000                 XADD at scheduled times: latency from those on
//   stream_load --port P --scenario groups --connections 8           messages from XADD through a group to XACK
//   stream_load --port P --scenario mixed --streams 16               a mix of commands
//
// command_mix.h and group_work.h say what the clients do. The streams are called stream_load:0000000 and so on; what
// they hold is deleted before and after. One figure per line, "name|value". Exit status 1: the server answered with an
// error, or not what it has to.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "load/command_mix.h"
#include "load/fail.h"
#include "load/figures.h"
#include "load/group_work.h"
#include "load/prepare_process.h"
#include "load/scenario_load.h"
#include "load/stream_options.h"
#include "load/stream_request.h"

namespace millrace::load {
namespace {

struct ScenarioRow {
  std::string_view name;
  std::string_view what;  // comes to an end, one
  std::string_view whats;
  bool always_shows_latency;
  std::unique_ptr<Scenario> (*make)(const StreamOptions&);
};

constexpr ScenarioRow kScenarios[] = {
    {"append", "command", "commands", false,
     [](const StreamOptions& options) -> std::unique_ptr<Scenario> {
       return std::make_unique<CommandMix>(options, kAppendMix);
     }},
    {"mixed", "command", "commands", false,
     [](const StreamOptions& options) -> std::unique_ptr<Scenario> {
       return std::make_unique<CommandMix>(options, kMixedMix);
     }},
    {"groups", "message", "messages acknowledged", true,
     [](const StreamOptions& options) -> std::unique_ptr<Scenario> { return std::make_unique<GroupWork>(options); }},
};

const ScenarioRow& find_scenario(std::string_view name) {
  const auto* found = std::ranges::find(kScenarios, name, &ScenarioRow::name);
  if (found == std::end(kScenarios)) fail("no such scenario (there are append, groups and mixed): ", name);
  return *found;
}

void print(const ScenarioRow& scenario, const StreamOptions& options, const LoadResult& result) {
  const auto ended = static_cast<double>(std::max<uint64_t>(result.ended, 1));
  print_figure(scenario.whats, result.ended);
  print_figure(std::string(scenario.whats) + " per second", ended / seconds(result.elapsed_ns));
  if (options.pid != 0) {
    print_figure("CPU ns per " + std::string(scenario.what), static_cast<double>(result.server_cpu_ns) / ended, 1);
  }
  print_figure("own CPU ns per " + std::string(scenario.what), static_cast<double>(result.own_cpu_ns) / ended, 1);
  if (options.rate > 0 || scenario.always_shows_latency) print_latency("latency ", result.latency);
}

int run(int argc, char** argv) {
  const StreamOptions options = read_stream_options(argc, argv);
  const ScenarioRow& row = find_scenario(options.scenario);
  prepare_process();
  const std::unique_ptr<Scenario> scenario = row.make(options);
  Connection control(options.host, options.port);
  scenario->prepare(control);
  print(row, options, ScenarioLoad(options, *scenario).run());
  delete_streams(control, options.streams);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace millrace::load

int main(int argc, char** argv) {
  return millrace::load::run(argc, argv);
}
