// See scenario_load.h.
#include "load/scenario_load.h"

#include <algorithm>

#include "load/fail.h"
#include "load/processor_time.h"
#include "load/time.h"

namespace millrace::load {
namespace {

constexpr int64_t kPatienceNs = 60 * kNsPerSecond;  // for anything to come to its end

}  // namespace

ScenarioLoad::ScenarioLoad(const LoadOptions& options, Scenario& scenario) : options_(options), scenario_(scenario) {
  for (size_t i = 0; i < scenario.clients(); ++i) {
    clients_.push_back(std::make_unique<Client>(options));
    // So that no connection is still being made when the load begins.
    clients_.back()->connection.call(command({"PING"}));
    poller_.add(clients_.back()->connection.fd(), i);
  }
}

LoadResult ScenarioLoad::run() {
  const auto server_cpu_ns = [this] { return options_.pid == 0 ? 0 : processor_time_ns(options_.pid); };
  scenario_.open(*this);
  send_all();
  const uint64_t server_cpu_before = server_cpu_ns();
  const uint64_t own_cpu_before = own_processor_time_ns();
  const int64_t start = now_ns_ = now_ns();
  schedule_ = {.start_ns = start, .rate = std::max<int64_t>(options_.rate, 1)};
  begin_max_ = options_.requests > 0 ? options_.requests : kForever;
  if (options_.seconds > 0) limit_time();
  if (options_.rate == 0) begin_all();
  while (may_begin() || ended_ < begun_) turn();
  LoadResult result;
  result.ended = static_cast<uint64_t>(ended_);
  result.elapsed_ns = now_ns() - start;
  result.server_cpu_ns = server_cpu_ns() - server_cpu_before;
  result.own_cpu_ns = own_processor_time_ns() - own_cpu_before;
  result.pause_ns = pause_ns_;
  result.latency = latency_;
  return result;
}

// ---- What the scenario calls

Buffer& ScenarioLoad::out(size_t client) {
  Client& it = *clients_[client];
  if (!it.is_in_turn && !it.waits_to_send) {
    it.is_in_turn = true;
    turn_.push_back(client);
  }
  return it.connection.out();
}

void ScenarioLoad::end(size_t client, int64_t due_ns) {
  ++ended_;
  latency_.record(now_ns_ - due_ns);
  pause_ns_ = std::max(pause_ns_, now_ns_ - last_end_ns_);
  last_end_ns_ = now_ns_;
  if (options_.rate == 0 && may_begin()) begin(client, now_ns_);
}

// ---- Beginning

void ScenarioLoad::begin(size_t client, int64_t due_ns) {
  if (ended_ == begun_) last_end_ns_ = now_ns_;
  ++begun_;
  scenario_.begin(*this, client, due_ns);
}

// What is due by the end is begun, if late.
void ScenarioLoad::limit_time() {
  if (options_.rate > 0) {
    begin_max_ = std::min(begin_max_, options_.rate * options_.seconds);
  } else {
    stop_ns_ = now_ns_ + options_.seconds * kNsPerSecond;
  }
}

void ScenarioLoad::begin_all() {
  for (size_t client = 0; client < static_cast<size_t>(options_.connections); ++client) {
    for (int64_t i = 0; i < options_.pipeline && may_begin(); ++i) begin(client, now_ns_);
  }
}

void ScenarioLoad::begin_what_is_due() {
  now_ns_ = now_ns();
  for (int64_t due_ns = schedule_.due_ns(begun_); may_begin() && due_ns <= now_ns_; due_ns = schedule_.due_ns(begun_)) {
    begin(static_cast<size_t>(begun_ % options_.connections), due_ns);
  }
}

// ---- A turn

void ScenarioLoad::turn() {
  if (options_.rate > 0) begin_what_is_due();
  send_all();
  const int64_t before = ended_;
  const int64_t patience_ends = now_ns_ + kPatienceNs;
  const int64_t next_due = options_.rate > 0 && may_begin() ? schedule_.due_ns(begun_) : patience_ends;
  for (const epoll_event& event : poller_.wait(std::min(next_due, patience_ends))) {
    if ((event.events & EPOLLOUT) != 0) send(event.data.u64);
    if ((event.events & ~EPOLLOUT) != 0) receive(event.data.u64);
  }
  if (ended_ == before && now_ns() > patience_ends) fail("the server has not answered for a minute");
}

void ScenarioLoad::receive(size_t index) {
  Connection& connection = clients_[index]->connection;
  if (!connection.receive(Connection::Patience::kDoNotWait)) fail("the server closed a connection");
  now_ns_ = now_ns();
  while (const Reply* reply = connection.take_reply()) {
    if (reply->kind == '-') blame_server("the server said: ", reply->part(0));
    scenario_.on_reply(*this, index, *reply);
  }
}

void ScenarioLoad::send(size_t index) {
  Client& client = *clients_[index];
  client.is_in_turn = false;
  const bool waits = !client.connection.flush();
  if (waits != client.waits_to_send) poller_.watch_writable(client.connection.fd(), index, waits);
  client.waits_to_send = waits;
}

void ScenarioLoad::send_all() {
  for (const size_t index : turn_) send(index);
  turn_.clear();
}

}  // namespace millrace::load
