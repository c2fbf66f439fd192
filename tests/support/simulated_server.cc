// See simulated_server.h.
#include "support/simulated_server.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <set>
#include <utility>

#include "base/check.h"
#include "core/journal_loading.h"
#include "keyspace/database.h"
#include "settings/directives.h"
#include "support/resp_reply.h"

namespace millrace::test {
namespace {

// A server that has not come to its end by then has lost something it waits for.
constexpr int64_t kStopMsMax = 600'000;

// It never changes, and takes longer to build than many a test takes: all servers of the process have the same.
const commands::CommandTable& command_table() {
  static const commands::CommandTable table;
  return table;
}

}  // namespace

SimulatedServer::SimulatedServer(const Options& options)
    : world_(options.seed), table_(command_table()), directory_(options.cores) {
  commands::ServerFacts facts;
  facts.core_count = static_cast<int>(options.cores);
  facts.started_unix_ms = world_.now().unix_ms;
  facts.started_monotonic_ns = world_.now().monotonic_ns;
  server_ = std::make_unique<commands::Server>(
      settings_, log_, keyspace::KeyspaceOptions{.partitions = options.partitions, .hash_seed = 1}, std::move(facts),
      table_);
  if (options.disk == nullptr) settings_.store(*settings::find_directive("save"), {});
  if (options.configure) options.configure(settings_);
  if (options.disk != nullptr) open_files(*options.disk);
  const core::Surroundings surroundings{
      .prepare_socket =
          [this](int) {
            core::PeerFacts peer;
            peer.address = "127.0.0.1:" + std::to_string(50'000 + peers_++);
            peer.local_address = "127.0.0.1:6379";
            return peer;
          },
      .request_shutdown = [this] { shutdown_requested_ = true; },
      .disk = options.disk,
      .journal = journal_.get(),
      .journal_directory = journal_directory_.get(),
  };
  for (uint32_t i = 0; i < options.cores; ++i) {
    backends_.push_back(world_.make_backend());
    const core::Core::Options core_options{
        .index = i, .seed = options.seed + i, .push_sends_min = options.push_sends_min};
    cores_.push_back(
        std::make_unique<core::Core>(core_options, *server_, table_, *backends_[i], directory_, surroundings));
    directory_[i] = cores_[i].get();
    listener_fds_.push_back(world_.listen(port_of(i)));
    cores_[i]->listen(listener_fds_[i]);
    has_stopped_.push_back(false);
  }
}

void SimulatedServer::open_files(SimulatedDisk& disk) {
  world_.use_disk(disk);
  journal_ = std::make_unique<core::Journal>(*server_, disk);
  journal_directory_ =
      std::make_unique<core::JournalDirectory>(disk, settings_.journal_directory(), settings_.text("appendfilename"));
  server_->journal = journal_.get();
  keyspace::PartitionLocks locks(server_->keyspace);
  auto file = core::load_at_start({.server = *server_,
                                   .table = table_,
                                   .disk = disk,
                                   .locks = locks,
                                   .read_clock = [this] { return world_.now(); }},
                                  *journal_directory_);
  if (!file.ok()) std::fprintf(stderr, "%s\n", file.error().c_str());
  CHECK(file.ok());
  if (file->fd >= 0) journal_->open(*file);
}

SimulatedServer::~SimulatedServer() {
  if (!is_stopped_) stop();
}

std::string SimulatedServer::key_apart_from(std::string_view other) const {
  for (int i = 0;; ++i) {
    std::string key = "key" + std::to_string(i);
    if (server_->keyspace.partition_of(key) != server_->keyspace.partition_of(other)) return key;
  }
}

std::vector<uint32_t> SimulatedServer::runnable_cores() const {
  std::vector<uint32_t> runnable;
  for (uint32_t i = 0; i < cores_.size(); ++i) {
    if (!has_stopped_[i] && backends_[i]->is_runnable()) runnable.push_back(i);
  }
  return runnable;
}

void SimulatedServer::turn(uint32_t core) {
  if (!has_stopped_[core] && !cores_[core]->turn()) has_stopped_[core] = true;
}

void SimulatedServer::run_turns() {
  int turns = 0;
  for (std::vector<uint32_t> runnable = runnable_cores(); !runnable.empty(); runnable = runnable_cores()) {
    turn(runnable[world_.random().below(runnable.size())]);
    CHECK(++turns < kTurnsPerMomentMax);
  }
  // Nobody listens any more to who wakes a core that has left.
  for (uint32_t i = 0; i < cores_.size(); ++i) {
    while (has_stopped_[i] && backends_[i]->is_runnable()) backends_[i]->wait(std::numeric_limits<int64_t>::max());
  }
}

void SimulatedServer::run_for(int64_t ms) {
  run_until([] { return false; }, ms);
}

bool SimulatedServer::run_until(const std::function<bool()>& done, int64_t ms_max) {
  const int64_t end_ns = world_.now().monotonic_ns + ms_max * 1'000'000;
  for (;;) {
    run_turns();
    if (done()) return true;
    if (world_.now().monotonic_ns >= end_ns || !world_.advance_to_next_event()) return false;
  }
}

size_t SimulatedServer::waiting_commands() {
  std::set<const keyspace::Waiter*> waiting;  // each stands in the queues of all its keys
  for (uint32_t i = 0; i < server_->keyspace.partition_count(); ++i) {
    keyspace::Partition& partition = server_->keyspace.partition(i);
    MutexLock lock(partition.mutex);
    for (const auto& [place, queue] : partition.waiters().queues()) {
      for (const Ref<keyspace::Waiter>& waiter : queue) {
        if (waiter->is_waiting()) waiting.insert(waiter.get());
      }
    }
  }
  return waiting.size();
}

void SimulatedServer::check_streams() {
  for (int database = 0; database < server_->keyspace.database_count(); ++database) {
    for (uint32_t i = 0; i < server_->keyspace.partition_count(); ++i) {
      keyspace::Partition& partition = server_->keyspace.partition(i);
      MutexLock lock(partition.mutex);
      keyspace::KeyTable* table = partition.existing_table(database);
      if (table == nullptr) continue;
      uint64_t cursor = 0;
      do {
        cursor = table->scan(cursor, [](keyspace::KeyEntry& entry) {
          if (streams::Stream* const stream = entry.value.stream()) stream->check_invariants();
        });
      } while (cursor != 0);
    }
  }
}

void SimulatedServer::stop() {
  is_stopped_ = true;
  for (const auto& core : cores_) core->stop();
  const int64_t end_ns = world_.now().monotonic_ns + kStopMsMax * 1'000'000;
  do {
    run_turns();
    CHECK(world_.now().monotonic_ns < end_ns);
  } while (runnable_cores().empty() && std::count(has_stopped_.begin(), has_stopped_.end(), false) > 0 &&
           world_.advance_to_next_event());
  check_nothing_left();
  cores_.clear();
  if (journal_) journal_->close();
  for (const int fd : listener_fds_) backends_[0]->close(fd);
  backends_.clear();
  CHECK(world_.open_descriptors() == 0);
}

void SimulatedServer::check_nothing_left() {
  for (uint32_t i = 0; i < cores_.size(); ++i) {
    CHECK(has_stopped_[i]);
    CHECK(cores_[i]->connection_count() == 0);
  }
  CHECK(server_->clients.size() == 0);
  CHECK(server_->blocked_clients.load() == 0);
  CHECK(server_->broker.channel_count(pubsub::Kind::kChannel) == 0 && server_->broker.pattern_count() == 0);
  CHECK(server_->broker.channel_count(pubsub::Kind::kShardChannel) == 0);
  for (uint32_t i = 0; i < server_->keyspace.partition_count(); ++i) {
    keyspace::Partition& partition = server_->keyspace.partition(i);
    MutexLock lock(partition.mutex);
    CHECK(partition.waiters().empty() && partition.watches().empty());
  }
}

// ---- SimulatedCaller

SimulatedCaller::SimulatedCaller(SimulatedServer& server, uint32_t core) : server_(server), client_(server.world()) {
  const size_t open = server.world().open_descriptors();
  client_.connect(SimulatedServer::port_of(core));
  server.run_until([&] { return server.world().open_descriptors() > open; }, 1000);
}

void SimulatedCaller::send(std::string_view line) {
  client_.send(format_request(split_words(line)));
}

bool SimulatedCaller::has_reply() {
  received_ += client_.take_received();
  size_t position = 0;
  Reply reply;
  return read_reply(received_, position, reply) == ReplyStatus::kComplete;
}

std::string SimulatedCaller::ask(std::string_view line, int64_t ms_max) {
  send(line);
  if (!server_.run_until([this] { return has_reply(); }, ms_max)) return "";
  size_t position = 0;
  Reply reply;
  read_reply(received_, position, reply);
  std::string raw = received_.substr(0, position);
  received_.erase(0, position);
  return raw;
}

std::vector<std::string> SimulatedCaller::take_replies() {
  received_ += client_.take_received();
  std::vector<std::string> replies;
  size_t position = 0;
  for (size_t start = 0;; start = position) {
    Reply reply;
    const ReplyStatus status = read_reply(received_, position, reply);
    CHECK(status != ReplyStatus::kMalformed);
    if (status != ReplyStatus::kComplete) break;
    replies.push_back(received_.substr(start, position - start));
  }
  received_.erase(0, position);
  return replies;
}

std::string SimulatedCaller::id() {
  const std::string reply = ask("CLIENT ID");
  return reply.size() > 3 ? reply.substr(1, reply.size() - 3) : "";
}

}  // namespace millrace::test
