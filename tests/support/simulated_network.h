// A network, a clock and N backends that live on one OS thread and take every decision from one seed.
//
//   SimulatedClient --- to_server ---> | arrived | ---> receive() of a core
//                   <-- to_client ---- | arrived | <--- send() of any core
//
// Each direction of a connection is a pipe: chunks in flight with ascending arrival times (TCP keeps the order), then
// bytes that arrived and were not taken yet. A pipe has a capacity, so sends come up short and stay pending while the
// reader is slow.
//
// Time stands still while anybody can run. The driver of a simulation is
//
//   do {
//     while (some backend is_runnable()) run that core's turn;    // any order
//   } while (world.advance_to_next_event());
//
// wait() never sleeps: it dispatches what is due, in random order and random pieces, and notes the deadline until which
// the core would have slept. The same seed and the same calls give the same history: no address, no hash order and
// no real clock takes part in a decision.
//
// Writes, syncs and tasks of the cores happen on the SimulatedDisk given to use_disk(), at moments from the seed as
// well (simulated_file_queue.h); run() of a task is called between the callbacks of any core, as if on a thread of its
// own.
//
// Descriptors start at kFirstFd, far above any real one, so that a stray system call on one fails instead of hitting a
// real file; the lowest free one is handed out first, as kernels do, so that mistaken identities show.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "io/backend.h"
#include "support/simulated_file_queue.h"

namespace millrace::test {

class SimulatedClient;
class SimulatedWorld;

class SimulatedBackend final : public io::Backend {
 public:
  SimulatedBackend(SimulatedWorld& world, int core) : world_(world), core_(core) {}
  ~SimulatedBackend() override;
  SimulatedBackend(const SimulatedBackend&) = delete;
  SimulatedBackend& operator=(const SimulatedBackend&) = delete;

  void accept(io::AcceptOperation& operation, int listener_fd) override;
  void receive(io::ReceiveOperation& operation, int fd) override;
  void send(io::SendOperation& operation, int fd, std::string_view bytes) override;
  void cancel(io::AcceptOperation& operation) override;
  void cancel(io::ReceiveOperation& operation) override;
  void shut_down(int fd) override;
  void close(int fd) override;
  void write_file(io::FileOperation& operation, int fd, std::string_view bytes, int64_t offset) override;
  void sync_file(io::FileOperation& operation, int fd) override;
  void run_elsewhere(io::DiskTask& task) override;
  void wait(int64_t deadline_ns) override;
  void wake() override;
  Instant now() override;
  int64_t stopwatch_ns() override { return now().monotonic_ns; }
  void stall(int64_t ns) override;

  int core() const { return core_; }
  // How often another core, or main, found it necessary to wake this one.
  size_t wakes() const { return wakes_; }
  // A send to that client, started by this core, has not ended.
  bool is_sending_to(const SimulatedClient& client) const;
  // To whom it was asked to send since the last call, in this order.
  std::vector<const SimulatedClient*> take_send_order() { return std::exchange(send_order_, {}); }
  // Whether a real wait() would have returned by now, so that the core has a turn to run.
  bool is_runnable() const;

 private:
  friend class SimulatedWorld;

  struct Accept {
    io::AcceptOperation* operation;
    bool is_cancelled = false;
  };
  struct Receive {
    io::ReceiveOperation* operation;
    bool is_cancelled = false;
  };
  struct Send {
    io::SendOperation* operation;
    std::string_view bytes;
    int64_t due_ns;
  };
  enum class Kind { kAccept, kReceive, kSend, kFile };
  struct Due {
    Kind kind;
    int fd;  // kFile: the number of the job
  };

  void ask_disk(SimulatedFileQueue::Job job, int64_t work_ns, int64_t tell_ns);
  std::vector<Due> find_due() const;
  bool is_due(const Accept& accept, int fd) const;
  bool is_due(const Receive& receive, int fd) const;
  bool is_due(const Send& send, int fd) const;
  bool is_busy(int fd) const { return accepts_.contains(fd) || receives_.contains(fd) || sends_.contains(fd); }
  // False if it is not due any more: a callback before it changed the state.
  bool dispatch(const Due& due);
  bool dispatch_accept(int fd);
  bool dispatch_receive(int fd);
  bool dispatch_send(int fd);

  SimulatedWorld& world_;
  const int core_;
  // Busy operations by descriptor.
  std::map<int, Accept> accepts_;
  std::map<int, Receive> receives_;
  std::map<int, Send> sends_;
  std::vector<const SimulatedClient*> send_order_;
  SimulatedFileQueue files_;
  size_t wakes_ = 0;
  bool is_woken_ = false;
  bool is_awake_ = true;  // the last wait() had something to return for
  int64_t deadline_ns_ = 0;
  bool is_in_wait_ = false;
};

// One direction of a connection.
class SimulatedPipe {
 public:
  // Returns when the bytes really arrive: not before those written earlier. REQUIRES: no more than free().
  int64_t write(std::string_view bytes, int64_t arrival_ns);
  int64_t end(int64_t arrival_ns);
  // Both sides see an error at once; what was in flight is lost.
  void reset() { is_reset_ = true; }

  size_t free() const { return capacity_bytes_ > held_bytes_ ? capacity_bytes_ - held_bytes_ : 0; }
  void set_capacity(size_t bytes) { capacity_bytes_ = bytes; }
  bool is_empty() const { return held_bytes_ == 0; }
  bool is_ended() const { return is_ended_; }
  bool is_reset() const { return is_reset_; }

  // The reader's side: what has arrived until now.
  size_t readable(int64_t now_ns) const;
  bool at_end(int64_t now_ns) const { return is_ended_ && chunks_.empty() && end_ns_ <= now_ns; }
  // REQUIRES: count <= readable().
  std::string read(size_t count);

 private:
  struct Chunk {
    int64_t arrival_ns;
    std::string bytes;
  };

  std::deque<Chunk> chunks_;
  size_t held_bytes_ = 0;
  size_t capacity_bytes_ = std::numeric_limits<size_t>::max();
  int64_t last_arrival_ns_ = 0;
  bool is_ended_ = false;
  int64_t end_ns_ = 0;
  bool is_reset_ = false;
};

struct SimulatedConnection {
  SimulatedPipe to_server;
  SimulatedPipe to_client;
  int64_t connect_ns = 0;                                        // from when on it can be accepted
  bool is_shut_down = false;                                     // by the server
  int64_t client_gone_ns = std::numeric_limits<int64_t>::max();  // from when on sends to it fail
};

// A client without a core: the test calls it between turns. It reads by itself unless told to pause.
class SimulatedClient {
 public:
  explicit SimulatedClient(SimulatedWorld& world) : world_(world) {}
  ~SimulatedClient();
  SimulatedClient(const SimulatedClient&) = delete;
  SimulatedClient& operator=(const SimulatedClient&) = delete;

  // Queues at the listeners of `port`; who accepts, and when, is the world's choice. REQUIRES: not connected.
  void connect(int port = 6379);
  void send(std::string_view bytes);
  void close();           // the server receives what was sent, then the end
  void finish_sending();  // the same, but this client still reads
  void reset();           // the server receives -ECONNRESET
  void pause_reading() { is_paused_ = true; }
  void resume_reading();

  // Everything received so far, in order.
  const std::string& received();
  // The same, and forgets it.
  std::string take_received();
  // Received already or on its way in the network.
  bool has_something_to_read() const { return !received_.empty() || !connection_->to_client.is_empty(); }
  // The server ended or reset the connection, and everything before that was received.
  bool is_closed();

 private:
  friend class SimulatedBackend;
  friend class SimulatedWorld;
  bool has_left() const { return connection_->client_gone_ns != std::numeric_limits<int64_t>::max(); }
  void read_arrived();

  SimulatedWorld& world_;
  std::shared_ptr<SimulatedConnection> connection_;
  std::string received_;
  bool is_paused_ = false;
};

class SimulatedWorld {
 public:
  static constexpr int kFirstFd = 1'000'000;
  static constexpr int64_t kStartUnixMs = 1'800'000'000'000;

  explicit SimulatedWorld(uint64_t seed) : random_(seed) {}
  ~SimulatedWorld();
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  // The world must outlive its backends and clients.
  std::unique_ptr<SimulatedBackend> make_backend();
  // A listener of the port; each core may have its own, or all share one.
  int listen(int port = 6379);

  Instant now() const;
  void advance(int64_t ns);
  // Moves the clock to the next moment at which a core or a client has something to do. False if there is none, or if
  // a core is runnable now (then nothing moves).
  bool advance_to_next_event();
  bool anyone_runnable() const;
  void jump_wall_clock(int64_t ms) { wall_jump_ms_ += ms; }
  // What happens whenever a core reads the clock: another core's turn then stands for one that runs at the same time.
  void while_clock_is_read(std::function<void()> action) { while_clock_is_read_ = std::move(action); }

  Random& random() { return random_; }
  // Most bytes a connection holds towards its client; the next connections get it. 0: random for each.
  void set_send_capacity(size_t bytes) { send_capacity_bytes_ = bytes; }
  // Where the cores' file operations go; outlives the backends.
  void use_disk(SimulatedDisk& disk) { disk_ = &disk; }
  // How long each sync takes. 0: random.
  void set_sync_ns(int64_t ns) { sync_ns_ = ns; }
  // Descriptors that are open: listeners and accepted connections.
  size_t open_descriptors() const { return listeners_.size() + connections_.size(); }

 private:
  friend class SimulatedBackend;
  friend class SimulatedClient;

  int take_lowest_fd();
  int64_t random_delay_ns();
  int64_t random_disk_ns();
  int64_t random_sync_ns();
  void let_disks_work();
  void note_event(int64_t at_ns) { event_times_.insert(at_ns); }
  // False if nobody listens.
  bool add_pending(int port, const std::shared_ptr<SimulatedConnection>& connection);
  // The index of the first connection that `listener_fd` may accept now.
  std::optional<size_t> find_pending(int listener_fd) const;
  int accept_pending(size_t index);
  SimulatedConnection& connection(int fd);
  void close(int fd);
  void write_to_client(SimulatedConnection& connection, std::string_view bytes);
  void let_clients_read();

  Random random_;
  int64_t now_ns_ = 1'000'000'000;
  int64_t wall_jump_ms_ = 0;
  std::function<void()> while_clock_is_read_;
  size_t send_capacity_bytes_ = 0;
  SimulatedDisk* disk_ = nullptr;
  int64_t sync_ns_ = 0;
  std::set<int64_t> event_times_;
  std::vector<SimulatedBackend*> backends_;
  std::vector<SimulatedClient*> clients_;  // in the order they connected
  std::set<int> freed_fds_;
  int next_fd_ = kFirstFd;
  std::map<int, int> listeners_;  // port by descriptor
  std::map<int, std::shared_ptr<SimulatedConnection>> connections_;
  // In order of connecting, each with the listener chosen for it, as SO_REUSEPORT chooses.
  struct Pending {
    int listener_fd;
    std::shared_ptr<SimulatedConnection> connection;
  };
  std::deque<Pending> pending_;
};

}  // namespace millrace::test
