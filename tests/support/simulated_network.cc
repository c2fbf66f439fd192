// See simulated_network.h.
#include "support/simulated_network.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kPieceBytesMax = 16 * 1024;
constexpr uint64_t kUsualDelayNs = 200'000;
constexpr uint64_t kRareDelayNs = 40'000'000;
constexpr uint64_t kSendDelayNs = 50'000;
constexpr uint64_t kDiskDelayNs = 30'000;
constexpr uint64_t kRareDiskDelayNs = 20'000'000;
constexpr uint64_t kSyncNs = 4'000'000;
constexpr uint64_t kSendCapacityBytesMax = 256 * 1024;

}  // namespace

// ---- Pipes ----------------------------------------------------------------------------------------------------------

int64_t SimulatedPipe::write(std::string_view bytes, int64_t arrival_ns) {
  CHECK(bytes.size() <= free() && !is_ended_);
  last_arrival_ns_ = std::max(last_arrival_ns_, arrival_ns);
  chunks_.push_back({last_arrival_ns_, std::string(bytes)});
  held_bytes_ += bytes.size();
  return last_arrival_ns_;
}

int64_t SimulatedPipe::end(int64_t arrival_ns) {
  if (!is_ended_) end_ns_ = std::max(last_arrival_ns_, arrival_ns);
  is_ended_ = true;
  return end_ns_;
}

size_t SimulatedPipe::readable(int64_t now_ns) const {
  size_t bytes = 0;
  for (const Chunk& chunk : chunks_) {
    if (chunk.arrival_ns > now_ns) break;
    bytes += chunk.bytes.size();
  }
  return bytes;
}

std::string SimulatedPipe::read(size_t count) {
  std::string result;
  held_bytes_ -= count;
  while (count > 0) {
    Chunk& chunk = chunks_.front();
    const size_t taken = std::min(count, chunk.bytes.size());
    result.append(chunk.bytes, 0, taken);
    chunk.bytes.erase(0, taken);
    if (chunk.bytes.empty()) chunks_.pop_front();
    count -= taken;
  }
  return result;
}

// ---- Backend --------------------------------------------------------------------------------------------------------

SimulatedBackend::~SimulatedBackend() {
  std::erase(world_.backends_, this);
}

void SimulatedBackend::accept(io::AcceptOperation& operation, int listener_fd) {
  CHECK(!operation.backend_state && world_.listeners_.contains(listener_fd));
  CHECK(accepts_.insert({listener_fd, Accept{&operation}}).second);
  operation.backend_state = this;
}

void SimulatedBackend::receive(io::ReceiveOperation& operation, int fd) {
  CHECK(!operation.backend_state && world_.connections_.contains(fd));
  CHECK(receives_.insert({fd, Receive{&operation}}).second);
  operation.backend_state = this;
}

void SimulatedBackend::send(io::SendOperation& operation, int fd, std::string_view bytes) {
  CHECK(!operation.backend_state && !bytes.empty() && world_.connections_.contains(fd));
  for (const SimulatedBackend* other : world_.backends_) CHECK(!other->sends_.contains(fd));
  const int64_t delay_ns = world_.random_.one_in(2) ? 0 : static_cast<int64_t>(world_.random_.below(kSendDelayNs));
  const int64_t due_ns = world_.now_ns_ + delay_ns;
  world_.note_event(due_ns);
  sends_.insert({fd, Send{&operation, bytes, due_ns}});
  for (const SimulatedClient* client : world_.clients_) {
    if (client->connection_.get() == &world_.connection(fd)) send_order_.push_back(client);
  }
  operation.backend_state = this;
}

void SimulatedBackend::cancel(io::AcceptOperation& operation) {
  for (auto& [fd, accept] : accepts_) {
    if (accept.operation == &operation) accept.is_cancelled = true;
  }
}

void SimulatedBackend::cancel(io::ReceiveOperation& operation) {
  for (auto& [fd, receive] : receives_) {
    if (receive.operation == &operation) receive.is_cancelled = true;
  }
}

void SimulatedBackend::shut_down(int fd) {
  SimulatedConnection& connection = world_.connection(fd);
  connection.is_shut_down = true;
  world_.note_event(connection.to_client.end(world_.now_ns_ + world_.random_delay_ns()));
}

void SimulatedBackend::close(int fd) {
  for (const SimulatedBackend* backend : world_.backends_) CHECK(!backend->is_busy(fd));
  world_.close(fd);
}

void SimulatedBackend::ask_disk(SimulatedFileQueue::Job job, int64_t work_ns, int64_t tell_ns) {
  CHECK(world_.disk_);
  job.work_ns = world_.now_ns_ + work_ns;
  job.done_ns = job.work_ns + tell_ns;
  const SimulatedFileQueue::Job& added = files_.add(job);
  world_.note_event(added.work_ns);
  world_.note_event(added.done_ns);
}

void SimulatedBackend::write_file(io::FileOperation& operation, int fd, std::string_view bytes, int64_t offset) {
  CHECK(!operation.backend_state && !bytes.empty());
  operation.backend_state = this;
  ask_disk(
      {.kind = SimulatedFileQueue::Kind::kWrite, .operation = &operation, .fd = fd, .bytes = bytes, .offset = offset},
      world_.random_disk_ns(), world_.random_disk_ns());
}

void SimulatedBackend::sync_file(io::FileOperation& operation, int fd) {
  CHECK(!operation.backend_state);
  operation.backend_state = this;
  const int64_t sync_ns = world_.random_sync_ns();
  const auto work_ns = static_cast<int64_t>(world_.random_.below(static_cast<uint64_t>(sync_ns) + 1));
  ask_disk({.kind = SimulatedFileQueue::Kind::kSync, .operation = &operation, .fd = fd}, work_ns, sync_ns - work_ns);
}

void SimulatedBackend::run_elsewhere(io::DiskTask& task) {
  CHECK(!task.backend_state);
  task.backend_state = this;
  ask_disk({.kind = SimulatedFileQueue::Kind::kTask, .task = &task}, world_.random_disk_ns(), world_.random_disk_ns());
}

void SimulatedBackend::wake() {
  ++wakes_;
  is_woken_ = true;
}

bool SimulatedBackend::is_sending_to(const SimulatedClient& client) const {
  return std::any_of(sends_.begin(), sends_.end(),
                     [&](const auto& send) { return &world_.connection(send.first) == client.connection_.get(); });
}

Instant SimulatedBackend::now() {
  if (world_.while_clock_is_read_) world_.while_clock_is_read_();
  return world_.now();
}

void SimulatedBackend::stall(int64_t ns) {
  world_.advance(ns);
}

bool SimulatedBackend::is_runnable() const {
  return is_awake_ || is_woken_ || deadline_ns_ <= world_.now_ns_ || !find_due().empty();
}

bool SimulatedBackend::is_due(const Accept& accept, int fd) const {
  return accept.is_cancelled || world_.find_pending(fd).has_value();
}

bool SimulatedBackend::is_due(const Receive& receive, int fd) const {
  const SimulatedConnection& connection = world_.connection(fd);
  const SimulatedPipe& pipe = connection.to_server;
  return receive.is_cancelled || connection.is_shut_down || pipe.is_reset() || pipe.at_end(world_.now_ns_) ||
         pipe.readable(world_.now_ns_) > 0;
}

bool SimulatedBackend::is_due(const Send& send, int fd) const {
  const SimulatedConnection& connection = world_.connection(fd);
  const SimulatedPipe& pipe = connection.to_client;
  const bool fails = connection.is_shut_down || pipe.is_reset() || connection.client_gone_ns <= world_.now_ns_;
  return send.due_ns <= world_.now_ns_ && (fails || pipe.free() > 0);
}

std::vector<SimulatedBackend::Due> SimulatedBackend::find_due() const {
  std::vector<Due> due;
  for (const auto& [fd, accept] : accepts_) {
    if (is_due(accept, fd)) due.push_back({Kind::kAccept, fd});
  }
  for (const auto& [fd, receive] : receives_) {
    if (is_due(receive, fd)) due.push_back({Kind::kReceive, fd});
  }
  for (const auto& [fd, send] : sends_) {
    if (is_due(send, fd)) due.push_back({Kind::kSend, fd});
  }
  for (const int id : files_.find_done(world_.now_ns_)) due.push_back({Kind::kFile, id});
  return due;
}

void SimulatedBackend::wait(int64_t deadline_ns) {
  CHECK(!std::exchange(is_in_wait_, true));
  world_.let_clients_read();
  world_.let_disks_work();
  std::vector<Due> due = find_due();
  for (size_t i = due.size(); i > 1; --i) std::swap(due[i - 1], due[world_.random_.below(i)]);
  bool ran = false;
  for (const Due& one : due) {
    if (world_.random_.one_in(4)) continue;  // completes in a later turn
    ran |= dispatch(one);
  }
  is_awake_ = ran || std::exchange(is_woken_, false);
  deadline_ns_ = deadline_ns;
  is_in_wait_ = false;
}

bool SimulatedBackend::dispatch(const Due& due) {
  switch (due.kind) {
    case Kind::kAccept:
      return dispatch_accept(due.fd);
    case Kind::kReceive:
      return dispatch_receive(due.fd);
    case Kind::kSend:
      return dispatch_send(due.fd);
    case Kind::kFile:
      return files_.finish(due.fd);
  }
  return false;
}

bool SimulatedBackend::dispatch_accept(int fd) {
  bool ran = false;
  for (;;) {
    const auto found = accepts_.find(fd);
    if (found == accepts_.end()) return ran;
    io::AcceptOperation& operation = *found->second.operation;
    const bool is_cancelled = found->second.is_cancelled;
    const std::optional<size_t> pending = world_.find_pending(fd);
    // A kernel may hand over what it had in hand when the cancellation reached it.
    if (pending && (!is_cancelled || world_.random_.one_in(2))) {
      operation.accepted(world_.accept_pending(*pending));
      ran = true;
      if (world_.random_.one_in(4)) return ran;
      continue;
    }
    if (!is_cancelled) return ran;
    accepts_.erase(found);
    operation.backend_state = nullptr;
    operation.ended(0);
    return true;
  }
}

bool SimulatedBackend::dispatch_receive(int fd) {
  const auto found = receives_.find(fd);
  if (found == receives_.end() || !is_due(found->second, fd)) return false;
  io::ReceiveOperation& operation = *found->second.operation;
  const bool is_cancelled = found->second.is_cancelled;
  SimulatedConnection& connection = world_.connection(fd);
  SimulatedPipe& pipe = connection.to_server;

  const size_t readable = pipe.is_reset() ? 0 : pipe.readable(world_.now_ns_);
  if (readable > 0 && (!is_cancelled || world_.random_.one_in(2))) {
    const size_t size_max = std::min(readable, kPieceBytesMax);
    const size_t size = world_.random_.one_in(2) ? size_max : 1 + world_.random_.below(size_max);
    // On the heap and freed at once, so that whoever keeps a view of it is found out.
    const std::string bytes = pipe.read(size);
    const auto exact = std::make_unique<char[]>(size);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    operation.received({exact.get(), size});
    return true;
  }
  const int error = !is_cancelled && pipe.is_reset() ? -ECONNRESET : 0;
  receives_.erase(found);
  operation.backend_state = nullptr;
  operation.ended(error);
  return true;
}

bool SimulatedBackend::dispatch_send(int fd) {
  const auto found = sends_.find(fd);
  if (found == sends_.end() || !is_due(found->second, fd)) return false;
  const Send send = found->second;
  sends_.erase(found);
  send.operation->backend_state = nullptr;

  SimulatedConnection& connection = world_.connection(fd);
  int result = 0;
  if (connection.is_shut_down) {
    result = -EPIPE;
  } else if (connection.to_client.is_reset() || connection.client_gone_ns <= world_.now_ns_) {
    result = world_.random_.one_in(2) ? -EPIPE : -ECONNRESET;
  } else {
    const size_t size_max = std::min(send.bytes.size(), connection.to_client.free());
    const size_t size = world_.random_.one_in(3) ? 1 + world_.random_.below(size_max) : size_max;
    world_.write_to_client(connection, send.bytes.substr(0, size));
    result = static_cast<int>(size);
  }
  send.operation->sent(result);
  return true;
}

// ---- Client ---------------------------------------------------------------------------------------------------------

SimulatedClient::~SimulatedClient() {
  close();
  std::erase(world_.clients_, this);
}

void SimulatedClient::connect(int port) {
  CHECK(!connection_);
  connection_ = std::make_shared<SimulatedConnection>();
  const size_t capacity =
      world_.send_capacity_bytes_ != 0 ? world_.send_capacity_bytes_ : 1 + world_.random_.below(kSendCapacityBytesMax);
  connection_->to_client.set_capacity(capacity);
  world_.clients_.push_back(this);
  if (!world_.add_pending(port, connection_)) connection_->to_client.reset();
}

void SimulatedClient::send(std::string_view bytes) {
  CHECK(connection_ && !connection_->to_server.is_ended());
  if (bytes.empty()) return;
  world_.note_event(connection_->to_server.write(bytes, world_.now_ns_ + world_.random_delay_ns()));
}

void SimulatedClient::close() {
  if (!connection_ || has_left()) return;
  read_arrived();
  connection_->client_gone_ns = connection_->to_server.end(world_.now_ns_ + world_.random_delay_ns());
  world_.note_event(connection_->client_gone_ns);
}

void SimulatedClient::finish_sending() {
  CHECK(connection_);
  world_.note_event(connection_->to_server.end(world_.now_ns_ + world_.random_delay_ns()));
}

void SimulatedClient::reset() {
  CHECK(connection_);
  connection_->to_server.reset();
  connection_->to_client.reset();
}

void SimulatedClient::resume_reading() {
  is_paused_ = false;
  read_arrived();
}

const std::string& SimulatedClient::received() {
  read_arrived();
  return received_;
}

std::string SimulatedClient::take_received() {
  read_arrived();
  return std::exchange(received_, {});
}

bool SimulatedClient::is_closed() {
  if (!connection_ || has_left()) return true;
  read_arrived();
  return connection_->to_client.is_reset() || connection_->to_client.at_end(world_.now_ns_);
}

void SimulatedClient::read_arrived() {
  if (!connection_ || is_paused_ || has_left() || connection_->to_client.is_reset()) return;
  received_ += connection_->to_client.read(connection_->to_client.readable(world_.now_ns_));
}

// ---- World ----------------------------------------------------------------------------------------------------------

SimulatedWorld::~SimulatedWorld() {
  CHECK(backends_.empty() && clients_.empty());
}

std::unique_ptr<SimulatedBackend> SimulatedWorld::make_backend() {
  auto backend = std::make_unique<SimulatedBackend>(*this, static_cast<int>(backends_.size()));
  backends_.push_back(backend.get());
  return backend;
}

int SimulatedWorld::listen(int port) {
  const int fd = take_lowest_fd();
  listeners_[fd] = port;
  return fd;
}

Instant SimulatedWorld::now() const {
  return {.unix_ms = kStartUnixMs + wall_jump_ms_ + now_ns_ / kNsPerMs,
          .monotonic_ns = now_ns_,
          .unix_us = static_cast<int32_t>(now_ns_ / 1000 % 1000)};
}

void SimulatedWorld::advance(int64_t ns) {
  CHECK(ns >= 0);
  now_ns_ += ns;
  let_clients_read();
}

bool SimulatedWorld::anyone_runnable() const {
  return std::any_of(backends_.begin(), backends_.end(), [](const auto* backend) { return backend->is_runnable(); });
}

bool SimulatedWorld::advance_to_next_event() {
  let_clients_read();
  if (anyone_runnable()) return false;
  event_times_.erase(event_times_.begin(), event_times_.upper_bound(now_ns_));
  int64_t next_ns = event_times_.empty() ? std::numeric_limits<int64_t>::max() : *event_times_.begin();
  for (const SimulatedBackend* backend : backends_) next_ns = std::min(next_ns, backend->deadline_ns_);
  if (next_ns == std::numeric_limits<int64_t>::max()) return false;
  now_ns_ = next_ns;
  let_clients_read();
  let_disks_work();
  return true;
}

int SimulatedWorld::take_lowest_fd() {
  if (freed_fds_.empty()) return next_fd_++;
  return freed_fds_.extract(freed_fds_.begin()).value();
}

int64_t SimulatedWorld::random_delay_ns() {
  if (random_.one_in(8)) return 0;
  return static_cast<int64_t>(random_.below(random_.one_in(64) ? kRareDelayNs : kUsualDelayNs));
}

int64_t SimulatedWorld::random_disk_ns() {
  if (random_.one_in(3)) return 0;
  return static_cast<int64_t>(random_.below(random_.one_in(64) ? kRareDiskDelayNs : kDiskDelayNs));
}

int64_t SimulatedWorld::random_sync_ns() {
  return sync_ns_ != 0 ? sync_ns_ : static_cast<int64_t>(random_.below(kSyncNs));
}

void SimulatedWorld::let_disks_work() {
  for (SimulatedBackend* backend : backends_) {
    if (!backend->files_.is_empty()) backend->files_.work(*disk_, now_ns_, random_);
  }
}

bool SimulatedWorld::add_pending(int port, const std::shared_ptr<SimulatedConnection>& connection) {
  std::vector<int> candidates;
  for (const auto& [fd, listener_port] : listeners_) {
    if (listener_port == port) candidates.push_back(fd);
  }
  if (candidates.empty()) return false;
  connection->connect_ns = now_ns_ + random_delay_ns();
  note_event(connection->connect_ns);
  pending_.push_back({candidates[random_.below(candidates.size())], connection});
  return true;
}

std::optional<size_t> SimulatedWorld::find_pending(int listener_fd) const {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].listener_fd == listener_fd && pending_[i].connection->connect_ns <= now_ns_) return i;
  }
  return std::nullopt;
}

int SimulatedWorld::accept_pending(size_t index) {
  const int fd = take_lowest_fd();
  connections_[fd] = std::move(pending_[index].connection);
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(index));
  return fd;
}

SimulatedConnection& SimulatedWorld::connection(int fd) {
  const auto found = connections_.find(fd);
  CHECK(found != connections_.end());
  return *found->second;
}

void SimulatedWorld::close(int fd) {
  if (listeners_.erase(fd) != 0) {
    for (const Pending& pending : pending_) {
      if (pending.listener_fd == fd) pending.connection->to_client.reset();
    }
    std::erase_if(pending_, [fd](const Pending& pending) { return pending.listener_fd == fd; });
  } else {
    note_event(connection(fd).to_client.end(now_ns_ + random_delay_ns()));
    connections_.erase(fd);
  }
  freed_fds_.insert(fd);
}

void SimulatedWorld::write_to_client(SimulatedConnection& connection, std::string_view bytes) {
  note_event(connection.to_client.write(bytes, now_ns_ + random_delay_ns()));
}

void SimulatedWorld::let_clients_read() {
  for (SimulatedClient* client : clients_) client->read_arrived();
}

}  // namespace millrace::test
