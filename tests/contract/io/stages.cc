// The kinds of stages: kernel sockets under epoll and under io_uring in three furnishings, and the simulated network.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "contract/io/stage.h"
#include "io/epoll_backend.h"
#include "io/io_uring_backend.h"
#include "io/socket.h"
#include "io/system_clock.h"
#include "io/system_disk.h"
#include "support/simulated_disk.h"
#include "support/simulated_network.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kPatienceNs = 60'000 * kNsPerMs;

// ---- Kernel sockets -------------------------------------------------------------------------------------------------

class SocketPeer final : public Peer {
 public:
  SocketPeer(int fd, std::vector<SocketPeer*>& all) : fd_(fd), all_(all) { all_.push_back(this); }
  ~SocketPeer() override {
    close();
    std::erase(all_, this);
  }

  void send(std::string_view bytes) override {
    unsent_ += bytes;
    pump();
  }
  const std::string& received() override {
    pump();
    return received_;
  }
  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override { is_paused_ = false; }
  void close() override {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() override {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  bool is_closed() override {
    pump();
    return is_ended_;
  }

  void pump() {
    write_some();
    if (!is_paused_) read_some();
  }

 private:
  void write_some() {
    while (fd_ >= 0 && !unsent_.empty()) {
      const ssize_t count = ::send(fd_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) return;
      unsent_.erase(0, static_cast<size_t>(count));
    }
  }
  void read_some() {
    char buffer[16384];
    while (fd_ >= 0 && !is_ended_) {
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) {
        is_ended_ = true;
      } else {
        received_.append(buffer, static_cast<size_t>(count));
      }
    }
  }

  int fd_;
  std::vector<SocketPeer*>& all_;
  std::string unsent_;
  std::string received_;
  bool is_paused_ = false;
  bool is_ended_ = false;
};

// Of the process; the rest of the machine sees nothing of it.
class FileSizeLimit {
 public:
  FileSizeLimit() {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    set(0);
    std::signal(SIGXFSZ, handler_);
  }
  void set(size_t bytes) {
    const rlimit limit{.rlim_cur = bytes == 0 ? before_.rlim_cur : bytes, .rlim_max = before_.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(testing::TempDir() + "stage_XXXXXX") { CHECK(mkdtemp(path_.data())); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using BackendMaker = std::function<std::unique_ptr<io::Backend>()>;

class SocketStage final : public Stage {
 public:
  explicit SocketStage(BackendMaker make)
      : make_(std::move(make)), patience_end_ns_(io::monotonic_now_ns() + kPatienceNs) {}
  ~SocketStage() override {
    for (const int fd : listeners_) ::close(fd);
  }

  io::Backend& add_backend() override { return *backends_.emplace_back(make_free_backend()); }
  std::unique_ptr<io::Backend> make_free_backend() override {
    std::unique_ptr<io::Backend> backend = make_();
    CHECK(backend);
    return backend;
  }
  int make_listener() override {
    const io::FdOrError listener = io::listen_tcp({.host = "127.0.0.1", .port = 0}, {});
    CHECK(listener);
    listeners_.push_back(*listener);
    return *listener;
  }
  std::unique_ptr<Peer> connect() override {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(io::local_port(listeners_.back()));
    CHECK(fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return std::make_unique<SocketPeer>(fd, peers_);
  }
  io::Disk& disk() override { return disk_; }
  std::string directory() override { return directory_.path(); }
  void limit_file_bytes(size_t bytes) override { file_size_limit_.set(bytes); }
  void turn() override {
    for (SocketPeer* peer : peers_) peer->pump();
    for (const auto& backend : backends_) wait(*backend, io::monotonic_now_ns() + kNsPerMs);
  }
  bool has_patience() override { return io::monotonic_now_ns() < patience_end_ns_; }

 private:
  const BackendMaker make_;
  const int64_t patience_end_ns_;
  TemporaryDirectory directory_;
  FileSizeLimit file_size_limit_;
  io::SystemDisk disk_;
  std::vector<int> listeners_;
  std::vector<SocketPeer*> peers_;
  std::vector<std::unique_ptr<io::Backend>> backends_;
};

// ---- The simulated network ------------------------------------------------------------------------------------------

class SimulatedPeer final : public Peer {
 public:
  explicit SimulatedPeer(SimulatedWorld& world) : client_(world) { client_.connect(); }

  void send(std::string_view bytes) override { client_.send(bytes); }
  const std::string& received() override { return client_.received(); }
  void pause_reading() override { client_.pause_reading(); }
  void resume_reading() override { client_.resume_reading(); }
  void close() override { client_.close(); }
  void reset() override { client_.reset(); }
  bool is_closed() override { return client_.is_closed(); }

 private:
  SimulatedClient client_;
};

class SimulatedStage final : public Stage {
 public:
  explicit SimulatedStage(uint64_t seed) : disk_(seed), world_(seed) { world_.use_disk(disk_); }

  io::Backend& add_backend() override { return *backends_.emplace_back(world_.make_backend()); }
  std::unique_ptr<io::Backend> make_free_backend() override { return world_.make_backend(); }
  int make_listener() override { return world_.listen(); }
  std::unique_ptr<Peer> connect() override { return std::make_unique<SimulatedPeer>(world_); }
  io::Disk& disk() override { return disk_; }
  std::string directory() override { return "."; }
  void limit_file_bytes(size_t bytes) override {
    disk_.unlimit_bytes();
    if (bytes != 0) disk_.limit_bytes(bytes);
  }
  void turn() override {
    ++turns_;
    for (const auto& backend : backends_) wait(*backend, world_.now().monotonic_ns + kNsPerMs);
    world_.advance_to_next_event();
  }
  bool has_patience() override { return turns_ < 1'000'000; }

 private:
  SimulatedDisk disk_;
  SimulatedWorld world_;
  std::vector<std::unique_ptr<SimulatedBackend>> backends_;
  int turns_ = 0;
};

StageKind io_uring_stage(const std::string& name, const io::IoUringFeatures& features,
                         const io::IoUringOptions& options, bool must_starve) {
  const BackendMaker make = [=] { return io::IoUringBackend::create(features, options); };
  return {.name = name,
          .is_real = true,
          .must_starve = must_starve,
          .make = [make] { return std::make_unique<SocketStage>(make); },
          .unavailable = features.reason};
}

}  // namespace

std::vector<StageKind> all_stages() {
  std::vector<StageKind> stages;
  stages.push_back({.name = "epoll",
                    .make = [] { return std::make_unique<SocketStage>([] { return io::EpollBackend::create(); }); }});

  const io::IoUringFeatures found = io::probe_io_uring();
  const io::IoUringFeatures none{.usable = found.usable, .reason = found.reason};
  stages.push_back(io_uring_stage("io_uring", found, {}, false));
  stages.push_back(io_uring_stage("io_uring_without_any_feature", none, {}, false));
  const io::IoUringOptions tight{.submissions = 4, .completions = 8, .receive_buffers = 2, .receive_buffer_bytes = 512};
  stages.push_back(io_uring_stage("io_uring_tight", found, tight, true));

  for (const uint64_t seed : {1, 2, 3}) {
    stages.push_back({.name = "simulated_" + std::to_string(seed), .is_real = false, .make = [seed] {
                        return std::make_unique<SimulatedStage>(seed);
                      }});
  }
  return stages;
}

}  // namespace millrace::test
