// What one command pays for its key: the lock of its partition, and finding or making the entry.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "keyspace/database.h"
#include "keyspace/partition_locks.h"

namespace millrace::keyspace {
namespace {

std::vector<std::string> names(size_t count) {
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i) result.push_back("stream:" + std::to_string(i * 7919));
  return result;
}

void make_keys(Keyspace& keyspace, const std::vector<std::string>& keys) {
  PartitionLocks locks(keyspace);
  locks.hold_all();
  KeyEvents events;
  Database db(keyspace, 0, {}, events);
  for (const std::string& key : keys) db.create(key, Value(nullptr));
}

void hold_and_find(benchmark::State& state) {
  const auto keys = names(static_cast<size_t>(state.range(0)));
  Keyspace keyspace({});
  make_keys(keyspace, keys);
  PartitionLocks locks(keyspace);
  KeyEvents events;
  Database db(keyspace, 0, {}, events);
  size_t next = 0;
  for (auto _ : state) {
    const std::string& key = keys[next++ % keys.size()];
    locks.hold_one(keyspace.partition_of(key));
    benchmark::DoNotOptimize(db.find_to_read(key));
  }
}
BENCHMARK(hold_and_find)->Arg(1)->Arg(1000)->Arg(1000000);

void insert(benchmark::State& state) {
  const auto keys = names(100000);
  for (auto _ : state) {
    Keyspace keyspace({.databases = 1});
    make_keys(keyspace, keys);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(keys.size()));
}
BENCHMARK(insert)->Unit(benchmark::kMillisecond);

// What SET does to a key that is there.
void set_string(benchmark::State& state) {
  const auto keys = names(1000);
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  Keyspace keyspace({});
  PartitionLocks locks(keyspace);
  KeyEvents events;
  Database db(keyspace, 0, {}, events);
  size_t next = 0;
  for (auto _ : state) {
    const std::string& key = keys[next++ % keys.size()];
    locks.hold_one(keyspace.partition_of(key));
    KeyEntry* entry = db.find_to_write(key);
    if (entry == nullptr) entry = &db.create(key, Value(StringValue()));
    entry->value.string()->assign(text);
  }
}
BENCHMARK(set_string)->Arg(3)->Arg(30)->Arg(100);

void hold_and_release_one(benchmark::State& state) {
  Keyspace keyspace({});
  PartitionLocks locks(keyspace);
  for (auto _ : state) {
    locks.hold_one(5);
    locks.release();
  }
}
BENCHMARK(hold_and_release_one);

void hold_and_release_all(benchmark::State& state) {
  Keyspace keyspace({});
  PartitionLocks locks(keyspace);
  for (auto _ : state) {
    locks.hold_all();
    locks.release();
  }
}
BENCHMARK(hold_and_release_all);

}  // namespace
}  // namespace millrace::keyspace
