// PendingList: time per operation and bytes per record, at 500,000 records.
#include <benchmark/benchmark.h>

#include <optional>

#include "base/random.h"
#include "streams/pending_list.h"

namespace millrace::streams {
namespace {

constexpr uint64_t kRecords = 500000;
constexpr uint64_t kDenseMs = 0;   // ids of one millisecond
constexpr uint64_t kSparseMs = 5;  // ids five milliseconds apart

StreamId nth_id(uint64_t n, uint64_t ms_apart) {
  return ms_apart == 0 ? StreamId{1700000000000, n} : StreamId{1700000000000 + n * ms_apart, 0};
}

void deliver(PendingList& list, uint64_t from, uint64_t to, uint64_t ms_apart) {
  for (uint64_t n = from; n < to; ++n) {
    list.put({nth_id(n, ms_apart), static_cast<ConsumerId>(n / 10 % 4), static_cast<int64_t>(n / 100), 1});
  }
}

PendingList filled(uint64_t ms_apart = kDenseMs) {
  PendingList list;
  deliver(list, 0, kRecords, ms_apart);
  return list;
}

void BM_PutAscending(benchmark::State& state) {
  for (auto _ : state) {
    PendingList list = filled(static_cast<uint64_t>(state.range(0)));
    state.counters["bytes_per_record"] = static_cast<double>(list.memory_bytes()) / kRecords;
    benchmark::DoNotOptimize(list);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRecords));
}
BENCHMARK(BM_PutAscending)->Arg(kDenseMs)->Arg(kSparseMs)->Unit(benchmark::kMillisecond);

// A group in balance: ten entries are handed out, ten older ones acknowledged.
void BM_DeliverTenAcknowledgeTen(benchmark::State& state) {
  PendingList list;
  uint64_t n = 1000;
  deliver(list, 0, n, kDenseMs);
  for (auto _ : state) {
    deliver(list, n, n + 10, kDenseMs);
    for (uint64_t i = 0; i < 10; ++i) list.erase(nth_id(n - 1000 + i, kDenseMs));
    n += 10;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 10));
}
BENCHMARK(BM_DeliverTenAcknowledgeTen);

void BM_FindRandom(benchmark::State& state) {
  const PendingList list = filled();
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(list.find(nth_id(random.below(kRecords), kDenseMs)));
}
BENCHMARK(BM_FindRandom);

void BM_EraseAscending(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    PendingList list = filled();
    state.ResumeTiming();
    for (uint64_t n = 0; n < kRecords; ++n) list.erase(nth_id(n, kDenseMs));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRecords));
}
BENCHMARK(BM_EraseAscending)->Unit(benchmark::kMillisecond);

// What a hostile XCLAIM ... TIME does: any record to any time.
void BM_MoveToRandomTime(benchmark::State& state) {
  PendingList list = filled();
  Random random(1);
  for (auto _ : state) {
    list.put({nth_id(random.below(kRecords), kDenseMs), 1, static_cast<int64_t>(random.below(kRecords)), 1});
  }
}
BENCHMARK(BM_MoveToRandomTime);

// The list's share of XAUTOCLAIM COUNT 100: walk by id, take over.
void BM_AutoClaimHundred(benchmark::State& state) {
  PendingList list = filled();
  StreamId start;
  int64_t now_ms = kRecords;
  for (auto _ : state) {
    ++now_ms;
    auto pending = list.at_or_after(start);
    for (int i = 0; i < 100 && pending; ++i) {
      list.put({pending->id, 5, now_ms, pending->delivery_count + 1});
      pending = list.after(pending->id);
    }
    start = pending ? pending->id : kStreamIdMin;
  }
}
BENCHMARK(BM_AutoClaimHundred)->Unit(benchmark::kMicrosecond);

// The list's share of a history read of 100.
void BM_HistoryHundred(benchmark::State& state) {
  PendingList list = filled();
  Random random(1);
  for (auto _ : state) {
    auto pending = list.at_or_after(1, nth_id(random.below(kRecords), kDenseMs));
    for (int i = 0; i < 100 && pending; ++i) {
      benchmark::DoNotOptimize(pending);
      pending = list.at_or_after(1, *successor(pending->id));
    }
  }
}
BENCHMARK(BM_HistoryHundred)->Unit(benchmark::kMicrosecond);

// What a snapshot does to a key before its first change, and that change: an acknowledgement in the middle.
constexpr uint64_t kManyRecords = 1'000'000;

void BM_Clone(benchmark::State& state) {
  PendingList list;
  deliver(list, 0, kManyRecords, kDenseMs);
  std::optional<PendingList> clone;
  for (auto _ : state) {
    state.PauseTiming();
    clone.reset();
    state.ResumeTiming();
    clone.emplace(list);
  }
}
BENCHMARK(BM_Clone)->Unit(benchmark::kMicrosecond)->Iterations(20);

void BM_FirstWriteAfterClone(benchmark::State& state) {
  PendingList list;
  deliver(list, 0, kManyRecords, kDenseMs);
  Random random(1);
  std::optional<PendingList> clone;
  for (auto _ : state) {
    state.PauseTiming();
    clone.reset();
    clone.emplace(list);
    state.ResumeTiming();
    list.put({nth_id(random.below(kManyRecords), kDenseMs), 5, static_cast<int64_t>(random.below(kManyRecords)), 2});
  }
}
BENCHMARK(BM_FirstWriteAfterClone)->Unit(benchmark::kMicrosecond)->Iterations(20);

}  // namespace
}  // namespace millrace::streams
