// Request parsing and reply writing, per request or entry.
#include <benchmark/benchmark.h>

#include <string>

#include "base/buffer.h"
#include "resp/reply_writer.h"
#include "resp/request_parser.h"

namespace {

using millrace::Buffer;
using millrace::resp::Protocol;
using millrace::resp::ReplyWriter;
using millrace::resp::RequestLimits;
using millrace::resp::RequestParser;

constexpr size_t kPipelined = 100;

void parse_pipeline(benchmark::State& state, const std::string& request) {
  std::string stream;
  for (size_t i = 0; i < kPipelined; ++i) stream += request;
  const RequestLimits limits;
  RequestParser parser;
  for (auto _ : state) {
    std::string_view rest = stream;
    while (!rest.empty()) {
      benchmark::DoNotOptimize(parser.parse(rest, limits));
      benchmark::DoNotOptimize(parser.args().data());
      rest.remove_prefix(parser.consumed());
      parser.next();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kPipelined));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * stream.size()));
}

void resp_parse_xadd(benchmark::State& state) {
  parse_pipeline(state,
                 "*5\r\n$4\r\nXADD\r\n$10\r\nstream:123\r\n$1\r\n*\r\n$5\r\nfield\r\n$16\r\n0123456789abcdef\r\n");
}
BENCHMARK(resp_parse_xadd);

void resp_parse_ping(benchmark::State& state) {
  parse_pipeline(state, "*1\r\n$4\r\nPING\r\n");
}
BENCHMARK(resp_parse_ping);

void resp_parse_inline(benchmark::State& state) {
  parse_pipeline(state, "XADD stream * field 'a value'\r\n");
}
BENCHMARK(resp_parse_inline);

// The reply of XRANGE with 100 entries of two pairs.
void resp_write_xrange(benchmark::State& state) {
  Buffer out;
  ReplyWriter writer(out, Protocol::kResp2);
  for (auto _ : state) {
    out.clear();
    const size_t token = writer.begin_array(100);
    for (int i = 0; i < 100; ++i) {
      writer.array(2);
      writer.bulk("1763600000000-123");
      writer.array(4);
      writer.bulk("temperature");
      writer.bulk("19.25");
      writer.bulk("humidity");
      writer.bulk("55");
    }
    writer.end_array(token, 100);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 100);
  state.SetBytesProcessed(static_cast<int64_t>(static_cast<size_t>(state.iterations()) * out.size()));
}
BENCHMARK(resp_write_xrange);

void resp_write_integers(benchmark::State& state) {
  Buffer out;
  ReplyWriter writer(out, Protocol::kResp2);
  int64_t value = 1;
  for (auto _ : state) {
    out.clear();
    for (int i = 0; i < 100; ++i) {
      writer.integer(value);
      value = value * 7 % 1'000'000'007;
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(resp_write_integers);

}  // namespace
