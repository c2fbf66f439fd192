// See options.h.
#include "load/options.h"

#include <array>
#include <string_view>

#include "base/numbers.h"
#include "load/stamp.h"

namespace millrace::load {
namespace {

constexpr int64_t kAtMost = 1'000'000'000;

struct NumberOption {
  std::string_view name;
  int64_t Options::*value;
  int64_t min;
  int64_t max;
  std::string_view help;
};

struct FlagOption {
  std::string_view name;
  bool Options::*value;
  std::string_view help;
};

constexpr std::array kNumbers = {
    NumberOption{"--port", &Options::port, 1, 65535, "the server's port"},
    NumberOption{"--pid", &Options::pid, 1, kAtMost, "the server's process: its processor time is reported"},
    NumberOption{"--subscribers", &Options::subscribers, 0, 100'000, "connections that listen"},
    NumberOption{"--publishers", &Options::publishers, 1, 10'000, "connections that publish"},
    NumberOption{"--channels", &Options::channels, 1, 10'000, "subscribers are dealt to them, publishers take turns"},
    NumberOption{"--payload", &Options::payload_bytes, kStampBytes, 64 << 20, "bytes of a message"},
    NumberOption{"--pipeline", &Options::pipeline, 1, 10'000, "commands a publisher sends at once"},
    NumberOption{"--seconds", &Options::seconds, 1, 86'400, "how long to publish"},
    NumberOption{"--rate", &Options::rate, 1, 100'000'000, "messages per second at scheduled times: shows latency"},
    NumberOption{"--deaf", &Options::deaf, 0, 10'000, "further subscribers that never read"},
    NumberOption{"--pairs", &Options::pairs, 1, 10'000, "one way: fresh pairs of connections"},
    NumberOption{"--messages", &Options::messages, 1, kAtMost, "one way: messages of each pair"},
    NumberOption{"--pause-us", &Options::pause_us, 0, 1'000'000, "one way: pause before each message"},
};

constexpr std::array kFlags = {
    FlagOption{"--patterns", &Options::use_patterns, "subscribe by pattern instead of by name"},
    FlagOption{"--resp3", &Options::use_resp3, "subscribers speak RESP3"},
    FlagOption{"--one-way", &Options::one_way, "idle latency of PUBLISH to a subscriber"},
    FlagOption{"--one-way-xadd", &Options::one_way_xadd, "idle latency of XADD to a blocked XREAD"},
};

bool set_number(Options& options, std::string_view name, std::string_view text) {
  for (const NumberOption& option : kNumbers) {
    if (option.name != name) continue;
    const auto value = parse_i64(text);
    if (!value || *value < option.min || *value > option.max) return false;
    options.*option.value = *value;
    return true;
  }
  return false;
}

bool set_flag(Options& options, std::string_view name) {
  for (const FlagOption& option : kFlags) {
    if (option.name != name) continue;
    options.*option.value = true;
    return true;
  }
  return false;
}

std::string usage_line(std::string_view name, std::string_view value, std::string_view help) {
  std::string line = "  " + std::string(name) + " " + std::string(value);
  line.resize(20, ' ');
  return line + std::string(help) + "\n";
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (set_flag(options, argv[i])) continue;
    if (i + 1 == argc) return std::nullopt;
    const std::string_view name = argv[i++];
    if (name == "--host") {
      options.host = argv[i];
    } else if (!set_number(options, name, argv[i])) {
      return std::nullopt;
    }
  }
  return options;
}

std::string usage() {
  std::string text = "fan_out: load for the pub/sub of any Redis-protocol server\n\n";
  text += usage_line("--host", "A", "the server's address");
  for (const NumberOption& option : kNumbers) text += usage_line(option.name, "N", option.help);
  for (const FlagOption& option : kFlags) text += usage_line(option.name, "", option.help);
  return text;
}

}  // namespace millrace::load
