// SimulatedDisk: an io::Disk in memory that counts every call, fails the calls it is told to, fills up, and can be
// looked at as power loss or kill -9 would leave it at any moment.
//
//   SimulatedDisk disk(seed);
//   disk.before_each_call([&](DiskCall) { check(*disk.crash(seed)); check(*disk.kill()); });   // a stop at every call
//   run_script(disk);
//   check(*disk.crash(seed));                                                                  // and after the last
//
// Power loss keeps of a file what SimulatedFile says, and of names what sync_directory() made durable, plus any of the
// changes since: a rename happens whole or not at all, changes that share a name keep their order, others are free. A
// name and the bytes of its file are durable independently of each other. What is in a directory that is lost is lost.
//
// All choices come from the seed. Writes and reads may come up short. The directories "." and "/" exist. Descriptors
// start at kFirstFd, far above real ones and those of the simulated network, the lowest free one first. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "io/disk.h"
#include "support/simulated_file.h"

namespace millrace::test {

enum class DiskCall : uint8_t {
  kOpen,
  kClose,
  kWrite,
  kRead,
  kSize,
  kTruncate,
  kSync,
  kRename,
  kRemove,
  kMakeDirectory,
  kSyncDirectory,
  kList,
  kExists
};
inline constexpr size_t kDiskCalls = 13;

class SimulatedDisk final : public io::Disk {
 public:
  static constexpr int kFirstFd = 2'000'000;

  explicit SimulatedDisk(uint64_t seed);

  int open(const std::string& path, io::OpenMode mode) override;
  int close(int fd) override;
  int64_t write_at(int fd, int64_t offset, std::string_view bytes) override;
  int64_t read_at(int fd, int64_t offset, char* buffer, size_t bytes) override;
  int64_t size(int fd) override;
  int truncate(int fd, int64_t bytes) override;
  int sync_data(int fd) override;
  int rename(const std::string& from, const std::string& to) override;  // a file
  int remove(const std::string& path) override;
  int make_directory(const std::string& path) override;
  int sync_directory(const std::string& path) override;
  int list_directory(const std::string& path, std::vector<std::string>& names) override;
  int exists(const std::string& path) override;

  // The disk as found after power loss; another seed gives another of the possible outcomes. This one stays as it is.
  std::unique_ptr<SimulatedDisk> crash(uint64_t seed) const;
  // The disk as found after kill -9: everything is there, but as unsafe from power loss as before.
  std::unique_ptr<SimulatedDisk> kill() const;

  struct Fault {
    std::optional<DiskCall> only{};  // nothing: calls of every kind
    uint64_t after = 0;              // so many matching calls from now on still work
    uint64_t times = 1;              // then so many fail
    int error = 5;                   // EIO
  };
  // A failing write takes nothing; a failing sync see SimulatedFile; the others do nothing, except that a descriptor is
  // closed whatever close() says.
  void fail(const Fault& fault) { faults_.push_back(fault); }
  void heal() { faults_.clear(); }
  // All files together; writes beyond come up short, then -ENOSPC.
  void limit_bytes(size_t bytes) { limit_bytes_ = bytes; }
  void unlimit_bytes() { limit_bytes_ = std::numeric_limits<size_t>::max(); }
  void before_each_call(std::function<void(DiskCall)> action) { before_each_call_ = std::move(action); }

  uint64_t calls() const;
  uint64_t calls(DiskCall call) const { return calls_[static_cast<size_t>(call)]; }
  // Looking without a call.
  std::optional<std::string> content(const std::string& path) const;
  size_t open_descriptors() const { return descriptors_.size(); }
  size_t used_bytes() const;

 private:
  struct Entry {
    std::shared_ptr<SimulatedFile> file;  // nullptr: a directory
    bool operator==(const Entry& other) const { return file == other.file; }
  };
  using Names = std::map<std::string, Entry>;
  // One change of names; happens whole or not at all.
  struct Change {
    std::string directory;
    std::vector<std::pair<std::string, std::optional<Entry>>> names;  // nothing: the name is gone
    std::string other_directory{};  // the one that a file was taken from; syncing either makes the change durable
    bool is_in(const std::string& name) const { return directory == name || other_directory == name; }
  };
  struct Descriptor {
    std::shared_ptr<SimulatedFile> file;
    bool may_write;
  };
  using Copies = std::map<const SimulatedFile*, std::shared_ptr<SimulatedFile>>;

  // Counts the call. 0 or the error it fails with.
  int enter(DiskCall call);
  Descriptor* find_descriptor(int fd);
  int take_descriptor(const std::shared_ptr<SimulatedFile>& file, bool may_write);
  bool is_directory(const std::string& path) const;
  int find_obstacle(const std::string& path) const;
  size_t writable_bytes(const SimulatedFile& file, size_t offset, size_t bytes) const;
  void change_names(Change change);
  static void apply(const Change& change, Names& names);
  Names names_after_crash(Random& random) const;
  static Entry copy(const Entry& entry, Copies& copies);

  Random random_;
  Names names_;
  Names durable_names_;
  std::vector<Change> unsynced_changes_;
  std::map<int, Descriptor> descriptors_;
  std::vector<Fault> faults_;
  size_t limit_bytes_ = std::numeric_limits<size_t>::max();
  std::function<void(DiskCall)> before_each_call_;
  std::array<uint64_t, kDiskCalls> calls_{};
};

}  // namespace millrace::test
