// What goes to disk: commands and annotations of the journal, streams of a snapshot and their checksum.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "persistence/crc64.h"
#include "persistence/journal_format.h"
#include "persistence/rdb_encoder.h"
#include "persistence/stream_writer.h"
#include "streams/stream.h"

namespace millrace::persistence {
namespace {

constexpr size_t kBlockBytes = 64 << 10;

void journal_encode_xadd(benchmark::State& state) {
  const std::string value(static_cast<size_t>(state.range(0)), 'x');
  const std::array<std::string_view, 5> args = {"XADD", "stream:123", "1763600000000-123", "field", value};
  Buffer out;
  for (auto _ : state) {
    if (out.size() > kBlockBytes) out.clear();
    encode_command(out, args);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(journal_encode_xadd)->Arg(16)->Arg(100)->Arg(512);

void journal_annotate_block(benchmark::State& state) {
  const std::string block(static_cast<size_t>(state.range(0)), 'x');
  Buffer out;
  for (auto _ : state) {
    out.clear();
    append_annotation(out, block, 123'456'789);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(journal_annotate_block)->Arg(200)->Arg(kBlockBytes);

// 10,000 entries of one field; whether to compress, bytes per value.
void snapshot_stream(benchmark::State& state) {
  constexpr int64_t kEntries = 10'000;
  const std::string value(static_cast<size_t>(state.range(1)), 'x');
  const std::array<std::string_view, 2> elements = {"field", value};
  streams::Stream stream;
  for (int64_t ms = 1; ms <= kEntries; ++ms) (void)stream.append({}, elements, ms, {});
  Buffer out;
  RdbEncoder encoder(out, state.range(0) != 0);
  for (auto _ : state) {
    StreamWriter writer(stream, kRdbVersionUsual);
    do {
      out.clear();
    } while (!writer.advance(encoder, kBlockBytes));
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
}
BENCHMARK(snapshot_stream)->Args({0, 8})->Args({0, 100})->Args({1, 100})->Unit(benchmark::kMicrosecond);

void snapshot_checksum(benchmark::State& state) {
  const std::string block(kBlockBytes, 'x');
  uint64_t sum = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sum = crc64(sum, block));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kBlockBytes));
}
BENCHMARK(snapshot_checksum);

}  // namespace
}  // namespace millrace::persistence
