// The stream's storage: append, walk, look-up, erase.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "streams/stream.h"

namespace millrace::streams {
namespace {

constexpr uint64_t kLengthMax = 1'000'000;

// `fields` names of its own and values of `value_size` bytes.
class Entry {
 public:
  Entry(size_t fields, size_t value_size) : value_(value_size, 'x') {
    for (size_t i = 0; i < fields; ++i) names_.push_back("field" + std::to_string(i));
    for (const auto& name : names_) {
      elements_.push_back(name);
      elements_.push_back(value_);
    }
  }
  std::span<const std::string_view> elements() const { return elements_; }

 private:
  std::string value_;
  std::vector<std::string> names_;
  std::vector<std::string_view> elements_;
};

// 1-0, 2-0, ... up to `length`.
std::unique_ptr<Stream> filled(uint64_t length) {
  const Entry entry(1, 20);
  auto stream = std::make_unique<Stream>();
  for (uint64_t ms = 1; ms <= length; ++ms) {
    (void)stream->append({}, entry.elements(), static_cast<int64_t>(ms), {});
  }
  return stream;
}

// Fields, bytes per value.
void append(benchmark::State& state) {
  const Entry entry(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)));
  auto stream = std::make_unique<Stream>();
  int64_t now_ms = 1'700'000'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(stream->append({}, entry.elements(), now_ms++, {}));
    if (stream->length() == kLengthMax) {
      state.PauseTiming();
      stream = std::make_unique<Stream>();
      state.ResumeTiming();
    }
  }
}
BENCHMARK(append)->Args({1, 10})->Args({1, 100})->Args({5, 20})->Args({5, 100});

void append_and_trim_about(benchmark::State& state) {
  const Entry entry(1, 100);
  Stream stream;
  TrimOptions options;
  options.approximate = true;
  options.length_max = 10'000;
  int64_t now_ms = 1'700'000'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(stream.append({}, entry.elements(), now_ms++, {}));
    benchmark::DoNotOptimize(stream.trim(options));
  }
}
BENCHMARK(append_and_trim_about);

void append_and_trim_exactly(benchmark::State& state) {
  const Entry entry(1, 10);
  Stream stream;
  TrimOptions options;
  options.length_max = 10'000;
  int64_t now_ms = 1'700'000'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(stream.append({}, entry.elements(), now_ms++, {}));
    benchmark::DoNotOptimize(stream.trim(options));
  }
}
BENCHMARK(append_and_trim_exactly);

void iterate_100_entries(benchmark::State& state) {
  const auto stream = filled(kLengthMax);
  Random random(1);
  for (auto _ : state) {
    const StreamId start{1 + random.below(kLengthMax - 100), 0};
    size_t bytes = 0;
    int left = 100;
    for (auto it = stream->entries(start, kStreamIdMax); it.valid() && left > 0; it.next(), --left) {
      const auto [field, value] = it.next_pair();
      bytes += field.size() + value.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(iterate_100_entries);

void tree_floor(benchmark::State& state) {
  const Entry entry(1, 1);
  NodeTree tree;
  const auto count = static_cast<uint64_t>(state.range(0));
  for (uint64_t i = 1; i <= count; ++i) {
    tree.insert(Ref<Node>::make(StreamId{1'700'000'000'000 + i * 97, 0}, entry.elements(), size_t{0}));
  }
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(tree.floor({1'700'000'000'000 + random.below(count * 97), 5}));
}
BENCHMARK(tree_floor)->Arg(100)->Arg(10'000)->Arg(1'000'000);

void contains(benchmark::State& state) {
  const auto stream = filled(kLengthMax);
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(stream->contains({1 + random.below(kLengthMax), 0}));
}
BENCHMARK(contains);

void erase(benchmark::State& state) {
  auto stream = filled(kLengthMax);
  uint64_t ms = 0;
  for (auto _ : state) {
    if (++ms > kLengthMax) {
      state.PauseTiming();
      stream = filled(kLengthMax);
      ms = 1;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(stream->erase({ms, 0}));
  }
}
BENCHMARK(erase);

// A stream of a gigabyte in 250,000 nodes, and the first writes to it after a clone: at the end, in the middle.
std::unique_ptr<Stream> gigabyte() {
  const Entry entry(1, 400);
  auto stream = std::make_unique<Stream>();
  for (int64_t ms = 1; ms <= 2'500'000; ++ms) (void)stream->append({}, entry.elements(), ms, {});
  return stream;
}

void clone(benchmark::State& state) {
  const auto stream = gigabyte();
  std::unique_ptr<Stream> copy;
  for (auto _ : state) {
    state.PauseTiming();
    copy.reset();
    state.ResumeTiming();
    copy = stream->clone();
  }
}
BENCHMARK(clone)->Unit(benchmark::kMicrosecond)->Iterations(100);

void append_after_clone(benchmark::State& state) {
  const Entry entry(1, 400);
  const auto stream = gigabyte();
  std::unique_ptr<Stream> copy;
  int64_t now_ms = 10'000'000;
  for (auto _ : state) {
    state.PauseTiming();
    copy.reset();
    copy = stream->clone();
    state.ResumeTiming();
    benchmark::DoNotOptimize(stream->append({}, entry.elements(), ++now_ms, {}));
  }
}
BENCHMARK(append_after_clone)->Unit(benchmark::kMicrosecond)->Iterations(100);

void erase_after_clone(benchmark::State& state) {
  const auto stream = gigabyte();
  std::unique_ptr<Stream> copy;
  uint64_t ms = 0;
  for (auto _ : state) {
    state.PauseTiming();
    copy.reset();
    copy = stream->clone();
    state.ResumeTiming();
    benchmark::DoNotOptimize(stream->erase({ms += 20'011, 0}));
  }
}
BENCHMARK(erase_after_clone)->Unit(benchmark::kMicrosecond)->Iterations(100);

void small_stream(benchmark::State& state) {
  const Entry entry(1, 20);
  for (auto _ : state) {
    Stream stream;
    benchmark::DoNotOptimize(stream.append({}, entry.elements(), 1, {}));
  }
}
BENCHMARK(small_stream);

}  // namespace
}  // namespace millrace::streams
