// See simulated_disk.h.
#include "support/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <numeric>
#include <set>

#include "base/check.h"

namespace millrace::test {
namespace {

constexpr uint64_t kShortOneIn = 8;

std::string normal(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  while (path.starts_with("./") && path.size() > 2) path.erase(0, 2);
  return path;
}

}  // namespace

SimulatedDisk::SimulatedDisk(uint64_t seed) : random_(seed) {
  for (const char* root : {".", "/"}) names_[root] = durable_names_[root] = Entry{};
}

int SimulatedDisk::enter(DiskCall call) {
  if (before_each_call_) before_each_call_(call);
  ++calls_[static_cast<size_t>(call)];
  int error = 0;
  for (Fault& fault : faults_) {
    if (fault.only && *fault.only != call) continue;
    if (fault.after > 0) {
      --fault.after;
    } else if (fault.times > 0) {
      --fault.times;
      error = -fault.error;
    }
  }
  return error;
}

uint64_t SimulatedDisk::calls() const {
  return std::accumulate(calls_.begin(), calls_.end(), uint64_t{0});
}

// ---- Files ----------------------------------------------------------------------------------------------------------

SimulatedDisk::Descriptor* SimulatedDisk::find_descriptor(int fd) {
  const auto found = descriptors_.find(fd);
  return found == descriptors_.end() ? nullptr : &found->second;
}

int SimulatedDisk::take_descriptor(const std::shared_ptr<SimulatedFile>& file, bool may_write) {
  int fd = kFirstFd;
  while (descriptors_.contains(fd)) ++fd;
  descriptors_[fd] = {file, may_write};
  return fd;
}

bool SimulatedDisk::is_directory(const std::string& path) const {
  const auto found = names_.find(path);
  return found != names_.end() && !found->second.file;
}

// Why nothing can be made under that name: 0 or -errno.
int SimulatedDisk::find_obstacle(const std::string& path) const {
  const std::string directory = io::directory_of(path);
  if (is_directory(directory)) return 0;
  return names_.contains(directory) ? -ENOTDIR : -ENOENT;
}

int SimulatedDisk::open(const std::string& path, io::OpenMode mode) {
  if (const int error = enter(DiskCall::kOpen)) return error;
  const std::string name = normal(path);
  if (const int error = find_obstacle(name)) return error;
  if (is_directory(name)) return mode == io::OpenMode::kCreateNew ? -EEXIST : -EISDIR;
  const auto found = names_.find(name);
  if (found == names_.end()) {
    if (mode == io::OpenMode::kRead || mode == io::OpenMode::kUpdate) return -ENOENT;
    const auto file = std::make_shared<SimulatedFile>();
    change_names({.directory = io::directory_of(name), .names = {{name, Entry{file}}}});
    return take_descriptor(file, true);
  }
  if (mode == io::OpenMode::kCreateNew) return -EEXIST;
  if (mode == io::OpenMode::kCreateEmpty) found->second.file->truncate(0);
  return take_descriptor(found->second.file, mode != io::OpenMode::kRead);
}

int SimulatedDisk::close(int fd) {
  const int error = enter(DiskCall::kClose);
  return descriptors_.erase(fd) == 0 ? -EBADF : error;
}

size_t SimulatedDisk::used_bytes() const {
  std::set<const SimulatedFile*> files;
  for (const auto& [name, entry] : names_) files.insert(entry.file.get());
  for (const auto& [fd, descriptor] : descriptors_) files.insert(descriptor.file.get());
  size_t bytes = 0;
  for (const SimulatedFile* file : files) bytes += file ? file->content().size() : 0;
  return bytes;
}

size_t SimulatedDisk::writable_bytes(const SimulatedFile& file, size_t offset, size_t bytes) const {
  const size_t used = used_bytes();
  const size_t room = limit_bytes_ > used ? limit_bytes_ - used : 0;
  const size_t end = offset + bytes;
  const size_t growth = end > file.content().size() ? end - file.content().size() : 0;
  return growth <= room ? bytes : bytes - std::min(bytes, growth - room);
}

int64_t SimulatedDisk::write_at(int fd, int64_t offset, std::string_view bytes) {
  if (const int error = enter(DiskCall::kWrite)) return error;
  Descriptor* descriptor = find_descriptor(fd);
  if (!descriptor || !descriptor->may_write) return -EBADF;
  if (offset < 0) return -EINVAL;
  if (bytes.empty()) return 0;
  const auto start = static_cast<size_t>(offset);
  size_t count = writable_bytes(*descriptor->file, start, bytes.size());
  if (count == 0) return -ENOSPC;
  if (random_.one_in(kShortOneIn)) count = 1 + random_.below(count);
  descriptor->file->write(start, bytes.substr(0, count));
  return static_cast<int64_t>(count);
}

int64_t SimulatedDisk::read_at(int fd, int64_t offset, char* buffer, size_t bytes) {
  if (const int error = enter(DiskCall::kRead)) return error;
  const Descriptor* descriptor = find_descriptor(fd);
  if (!descriptor) return -EBADF;
  if (offset < 0) return -EINVAL;
  const std::string& content = descriptor->file->content();
  const auto start = static_cast<size_t>(offset);
  if (start >= content.size() || bytes == 0) return 0;
  size_t count = std::min(bytes, content.size() - start);
  if (random_.one_in(kShortOneIn)) count = 1 + random_.below(count);
  content.copy(buffer, count, start);
  return static_cast<int64_t>(count);
}

int64_t SimulatedDisk::size(int fd) {
  if (const int error = enter(DiskCall::kSize)) return error;
  const Descriptor* descriptor = find_descriptor(fd);
  return descriptor ? static_cast<int64_t>(descriptor->file->content().size()) : -EBADF;
}

int SimulatedDisk::truncate(int fd, int64_t bytes) {
  if (const int error = enter(DiskCall::kTruncate)) return error;
  const Descriptor* descriptor = find_descriptor(fd);
  if (!descriptor) return -EBADF;
  if (!descriptor->may_write || bytes < 0) return -EINVAL;
  descriptor->file->truncate(static_cast<size_t>(bytes));
  return 0;
}

int SimulatedDisk::sync_data(int fd) {
  const int error = enter(DiskCall::kSync);
  const Descriptor* descriptor = find_descriptor(fd);
  if (!descriptor) return -EBADF;
  if (error != 0) {
    descriptor->file->fail_sync(random_);
  } else {
    descriptor->file->sync();
  }
  return error;
}

std::optional<std::string> SimulatedDisk::content(const std::string& path) const {
  const auto found = names_.find(normal(path));
  if (found == names_.end() || !found->second.file) return std::nullopt;
  return found->second.file->content();
}

// ---- Names ----------------------------------------------------------------------------------------------------------

void SimulatedDisk::apply(const Change& change, Names& names) {
  for (const auto& [name, entry] : change.names) {
    if (entry) {
      names[name] = *entry;
    } else {
      names.erase(name);
    }
  }
}

void SimulatedDisk::change_names(Change change) {
  apply(change, names_);
  unsynced_changes_.push_back(std::move(change));
}

int SimulatedDisk::rename(const std::string& from, const std::string& to) {
  if (const int error = enter(DiskCall::kRename)) return error;
  const std::string old_name = normal(from);
  const std::string new_name = normal(to);
  if (const int error = find_obstacle(new_name)) return error;
  const auto found = names_.find(old_name);
  if (found == names_.end()) return -ENOENT;
  CHECK(found->second.file);
  if (is_directory(new_name)) return -EISDIR;
  if (old_name == new_name) return 0;
  change_names({.directory = io::directory_of(new_name),
                .names = {{old_name, std::nullopt}, {new_name, found->second}},
                .other_directory = io::directory_of(old_name)});
  return 0;
}

int SimulatedDisk::remove(const std::string& path) {
  if (const int error = enter(DiskCall::kRemove)) return error;
  const std::string name = normal(path);
  if (is_directory(name)) return -EISDIR;
  if (!names_.contains(name)) return -ENOENT;
  change_names({.directory = io::directory_of(name), .names = {{name, std::nullopt}}});
  return 0;
}

int SimulatedDisk::make_directory(const std::string& path) {
  if (const int error = enter(DiskCall::kMakeDirectory)) return error;
  const std::string name = normal(path);
  if (names_.contains(name)) return -EEXIST;
  if (const int error = find_obstacle(name)) return error;
  change_names({.directory = io::directory_of(name), .names = {{name, Entry{}}}});
  return 0;
}

int SimulatedDisk::sync_directory(const std::string& path) {
  if (const int error = enter(DiskCall::kSyncDirectory)) return error;
  const std::string directory = normal(path);
  if (!is_directory(directory)) return names_.contains(directory) ? -ENOTDIR : -ENOENT;
  for (const Change& change : unsynced_changes_) {
    if (change.is_in(directory)) apply(change, durable_names_);
  }
  std::erase_if(unsynced_changes_, [&](const Change& change) { return change.is_in(directory); });
  return 0;
}

int SimulatedDisk::list_directory(const std::string& path, std::vector<std::string>& names) {
  names.clear();
  if (const int error = enter(DiskCall::kList)) return error;
  const std::string directory = normal(path);
  if (!is_directory(directory)) return names_.contains(directory) ? -ENOTDIR : -ENOENT;
  for (const auto& [name, entry] : names_) {
    if (name == "." || name == "/" || io::directory_of(name) != directory) continue;
    names.push_back(name.substr(name.rfind('/') + 1));
  }
  return 0;
}

int SimulatedDisk::exists(const std::string& path) {
  if (const int error = enter(DiskCall::kExists)) return error;
  return names_.contains(normal(path)) ? 1 : 0;
}

// ---- After the end --------------------------------------------------------------------------------------------------

SimulatedDisk::Names SimulatedDisk::names_after_crash(Random& random) const {
  enum class Mood { kNothing, kEverything, kPrefix, kAnything };
  const auto mood = static_cast<Mood>(random.below(4));
  const size_t prefix = random.below(unsynced_changes_.size() + 1);
  Names found = durable_names_;
  std::set<std::string> lost;  // names with a change that did not reach the device: none after it did
  for (size_t i = 0; i < unsynced_changes_.size(); ++i) {
    const Change& change = unsynced_changes_[i];
    const bool is_kept = mood == Mood::kEverything || (mood == Mood::kPrefix && i < prefix) ||
                         (mood == Mood::kAnything && random.one_in(2));
    const bool follows_lost = std::any_of(change.names.begin(), change.names.end(),
                                          [&](const auto& name) { return lost.contains(name.first); });
    if (is_kept && !follows_lost) {
      apply(change, found);
    } else {
      for (const auto& [name, entry] : change.names) lost.insert(name);
    }
  }
  // Parents come before children in the order of names.
  for (auto at = found.begin(); at != found.end();) {
    at = found.contains(io::directory_of(at->first)) ? std::next(at) : found.erase(at);
  }
  return found;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::crash(uint64_t seed) const {
  Random random(seed);
  auto found = std::make_unique<SimulatedDisk>(random.next());
  for (const auto& [name, entry] : names_after_crash(random)) {
    Entry left;
    if (entry.file) left.file = std::make_shared<SimulatedFile>(entry.file->after_crash(random));
    found->names_[name] = found->durable_names_[name] = left;
  }
  found->limit_bytes_ = limit_bytes_;
  return found;
}

SimulatedDisk::Entry SimulatedDisk::copy(const Entry& entry, Copies& copies) {
  if (!entry.file) return {};
  std::shared_ptr<SimulatedFile>& copied = copies[entry.file.get()];
  if (!copied) copied = std::make_shared<SimulatedFile>(*entry.file);
  return {copied};
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::kill() const {
  auto found = std::make_unique<SimulatedDisk>(Random(random_).next());
  Copies copies;
  for (const auto& [name, entry] : names_) found->names_[name] = copy(entry, copies);
  for (const auto& [name, entry] : durable_names_) found->durable_names_[name] = copy(entry, copies);
  found->unsynced_changes_ = unsynced_changes_;
  for (Change& change : found->unsynced_changes_) {
    for (auto& [name, entry] : change.names) {
      if (entry) entry = copy(*entry, copies);
    }
  }
  found->limit_bytes_ = limit_bytes_;
  return found;
}

}  // namespace millrace::test
