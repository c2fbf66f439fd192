// What PUBLISH pays in the broker: nobody, one and a hundred receivers, ten thousand patterns; and for matching globs.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <string_view>

#include "base/glob.h"
#include "pubsub/broker.h"

namespace millrace::pubsub {
namespace {

struct Listener : Subscriber {
  Subscriptions subscriptions{*this};
  uint64_t received = 0;
};

class Counting final : public Delivery {
 public:
  void counted(size_t deliveries) override { benchmark::DoNotOptimize(deliveries); }
  void to_channel(Subscriber& subscriber) override { ++static_cast<Listener&>(subscriber).received; }
  void to_pattern(Subscriber& subscriber, std::string_view) override { ++static_cast<Listener&>(subscriber).received; }
};

// A broker with its listeners, who go before it does.
class Audiences {
 public:
  ~Audiences() {
    for (Listener& each : listeners_) broker.unsubscribe_all(each.subscriptions);
  }
  Listener& add() { return listeners_.emplace_back(); }
  void listen(Listener& who, Kind kind, std::string_view name) {
    broker.subscribe(kind, who.subscriptions, name, [] {});
  }

  Broker broker{1};

 private:
  std::deque<Listener> listeners_;
};

void publish_repeatedly(benchmark::State& state, Broker& broker, std::string_view channel) {
  for (auto _ : state) {
    Counting delivery;
    broker.publish(Kind::kChannel, channel, delivery);
  }
}

void publish_to_channel(benchmark::State& state) {
  Audiences audiences;
  for (int64_t i = 0; i < state.range(0); ++i) audiences.listen(audiences.add(), Kind::kChannel, "news:sport");
  publish_repeatedly(state, audiences.broker, "news:sport");
}
BENCHMARK(publish_to_channel)->Arg(0)->Arg(1)->Arg(100)->Arg(10'000);

void publish_past_patterns(benchmark::State& state, std::string_view before, std::string_view behind) {
  Audiences audiences;
  Listener& listener = audiences.add();
  for (int i = 0; i < 10'000; ++i) {
    audiences.listen(listener, Kind::kPattern, std::string(before) + std::to_string(i) + std::string(behind));
  }
  publish_repeatedly(state, audiences.broker, "news:sport");
}
BENCHMARK_CAPTURE(publish_past_patterns, that_begin_otherwise, "user:", ":*");
BENCHMARK_CAPTURE(publish_past_patterns, that_begin_with_a_star, "*:", "");

void match(benchmark::State& state, std::string_view pattern, std::string_view text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(pattern);
    benchmark::DoNotOptimize(glob_matches(pattern, text));
  }
}
BENCHMARK_CAPTURE(match, everything, "*", "news.sport");
BENCHMARK_CAPTURE(match, exact, "news.sport", "news.sport");
BENCHMARK_CAPTURE(match, beginning, "news.*", "news.sport");
BENCHMARK_CAPTURE(match, end, "*x", "some:channel:name");
BENCHMARK_CAPTURE(match, middle, "*foo*", "some:foo:name");
BENCHMARK_CAPTURE(match, char_class, "h[ae]llo", "hello");
BENCHMARK_CAPTURE(match, star_and_class, "*[0-9]*", "abc:def7:x");

}  // namespace
}  // namespace millrace::pubsub
