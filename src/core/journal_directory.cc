// See journal_directory.h.
#include "core/journal_directory.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/buffer.h"
#include "base/check.h"
#include "base/numbers.h"
#include "persistence/journal_format.h"

namespace millrace::core {
namespace {

using persistence::Manifest;
using persistence::ManifestFile;

constexpr size_t kManifestBytesMax = 1 << 20;
constexpr std::string_view kIncrementEnd = ".incr.aof";
constexpr std::string_view kBaseEnds[] = {".base.rdb", ".base.aof"};

// The number in "<append_name>.<number><end>"; 0 if it is another name.
int64_t sequence_in(std::string_view name, std::string_view append_name, std::string_view end) {
  if (!name.starts_with(append_name) || !name.ends_with(end)) return 0;
  name.remove_prefix(append_name.size());
  if (name.size() <= end.size() || name[0] != '.') return 0;
  name.remove_suffix(end.size());
  return parse_i64(name.substr(1)).value_or(0);
}

}  // namespace

JournalDirectory::JournalDirectory(io::Disk& disk, std::string path, std::string append_name)
    : disk_(disk), path_(std::move(path)), append_name_(std::move(append_name)) {}

std::string JournalDirectory::manifest_path() const {
  return path_of(persistence::manifest_name(append_name_));
}

std::string JournalDirectory::temporary_manifest_path() const {
  return path_of(persistence::temporary_name(persistence::manifest_name(append_name_)));
}

std::string JournalDirectory::temporary_base_path() const {
  return path_of(persistence::temporary_name(manifest_.next_base(append_name_, true).name));
}

JournalDirectory::Failure JournalDirectory::failure(std::string_view what, const std::string& path,
                                                    int64_t result) const {
  if (result >= 0) return std::nullopt;
  return "could not " + std::string(what) + " " + path + ": " + io::error_text(result);
}

// ---- at start

JournalDirectory::Failure JournalDirectory::read() {
  const int fd = disk_.open(manifest_path(), io::OpenMode::kRead);
  if (fd == -ENOENT) return find_lost_increments();
  if (fd < 0) return failure("open", manifest_path(), fd);
  Failure error = read_manifest(fd);
  disk_.close(fd);
  exists_ = !error;
  return error;
}

JournalDirectory::Failure JournalDirectory::read_manifest(int fd) {
  std::string text(kManifestBytesMax + 1, '\0');
  const int64_t bytes = io::read_fully(disk_, fd, 0, text.data(), text.size());
  if (bytes < 0) return failure("read", manifest_path(), bytes);
  if (static_cast<size_t>(bytes) > kManifestBytesMax) return manifest_path() + " is too long for a manifest";
  text.resize(static_cast<size_t>(bytes));
  auto manifest = Manifest::parse(text);
  if (!manifest) return manifest_path() + " " + describe(manifest.error());
  manifest_ = *manifest;
  return std::nullopt;
}

// Increments that were created, but had no manifest yet when the server ended, hold no more than a fence.
JournalDirectory::Failure JournalDirectory::find_lost_increments() {
  std::vector<std::string> names;
  const int listed = disk_.list_directory(path_, names);
  if (listed == -ENOENT) return std::nullopt;
  if (listed < 0) return failure("list", path_, listed);
  if (disk_.exists(temporary_manifest_path()) == 1) return std::nullopt;
  for (const std::string& name : names) {
    if (sequence_in(name, append_name_, kIncrementEnd) == 0) continue;
    if (bytes_of(path_of(name)) <= persistence::kAnnotationBytesMax) continue;
    return path_ + " holds " + name + ", but the manifest " + persistence::manifest_name(append_name_) +
           " is missing. Put it back, or move the files away to start without them";
  }
  return std::nullopt;
}

// Temporary files, and such as the next steps would create; nothing that the manifest names, whatever its number.
bool JournalDirectory::is_leftover(const std::string& name) const {
  if (manifest_.names(name)) return false;
  if (name.starts_with(persistence::temporary_name(append_name_))) return true;
  if (sequence_in(name, append_name_, kIncrementEnd) >= manifest_.next_incr(append_name_).sequence) return true;
  const int64_t next_base = manifest_.next_base(append_name_, true).sequence;
  return std::any_of(std::begin(kBaseEnds), std::end(kBaseEnds),
                     [&](std::string_view end) { return sequence_in(name, append_name_, end) >= next_base; });
}

JournalDirectory::Failure JournalDirectory::clean_up() {
  std::vector<std::string> names;
  const int listed = disk_.list_directory(path_, names);
  if (listed == -ENOENT) return std::nullopt;
  if (listed < 0) return failure("list", path_, listed);
  std::erase_if(names, [this](const std::string& name) { return !is_leftover(name); });
  // The temporary manifest is what makes files without a manifest leftovers, so it goes last.
  const std::string last = persistence::temporary_name(persistence::manifest_name(append_name_));
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) { return name != last; });
  for (const std::string& name : names) {
    if (name == last) {
      if (Failure error = sync(path_)) return error;
    }
    if (Failure error = failure("remove", path_of(name), disk_.remove(path_of(name)))) return error;
  }
  return remove_history();
}

bool JournalDirectory::needs_upgrade(const std::string& directory) {
  if (disk_.exists(directory + "/" + append_name_) != 1) return false;
  if (!exists_) return true;
  return manifest_.base() && manifest_.base()->name == append_name_ && manifest_.history().empty() &&
         manifest_.incrs().empty() && disk_.exists(path_of(append_name_)) == 0;
}

// The manifest first, as Redis does it: a crash before the rename leaves what needs_upgrade() finds.
JournalDirectory::Failure JournalDirectory::upgrade(const std::string& directory) {
  if (!exists_) {
    if (Failure error = make_directory()) return error;
    Manifest next;
    next.set_base({append_name_, 1});
    if (Failure error = write_manifest(next)) return error;
  }
  if (Failure error = rename(directory + "/" + append_name_, path_of(append_name_))) return error;
  if (Failure error = sync(path_)) return error;
  return sync(directory);
}

Result<JournalFile, std::string> JournalDirectory::create(const WriteBase& write_base) {
  CHECK(!exists_);
  if (const Failure error = make_directory()) return *error;
  if (const Failure error = write_base(temporary_base_path())) return *error;
  const ManifestFile base = manifest_.next_base(append_name_, true);
  if (const Failure error = rename(temporary_base_path(), path_of(base.name))) return *error;
  Manifest next = manifest_;
  next.set_base(base);
  next.add_incr(next.next_incr(append_name_));
  JournalFile file{.path = path_of(next.incrs().back().name)};
  if (const Failure error = create_increment(file)) return *error;
  Failure error = sync(path_);
  if (!error) error = write_manifest(next);
  if (!error) return file;
  disk_.close(file.fd);
  return *error;
}

Result<JournalFile, std::string> JournalDirectory::open_last_increment() {
  if (const Failure error = sync_all()) return *error;
  if (manifest_.incrs().empty()) return add_increment();
  JournalFile file{.path = path_of(manifest_.incrs().back().name)};
  file.fd = disk_.open(file.path, io::OpenMode::kUpdate);
  if (file.fd < 0) return *failure("open", file.path, file.fd);
  const int64_t bytes = disk_.size(file.fd);
  file.bytes = static_cast<uint64_t>(std::max<int64_t>(bytes, 0));
  Failure error = failure("measure", file.path, bytes);
  if (!error) error = write_fence(file, file.bytes);
  if (!error) return file;
  disk_.close(file.fd);
  return *error;
}

// A server that was killed may have left names and bytes that are there and not durable. What is appended now relies on
// them.
JournalDirectory::Failure JournalDirectory::sync_all() {
  for (const ManifestFile& incr : manifest_.incrs()) {
    const std::string path = path_of(incr.name);
    const int fd = disk_.open(path, io::OpenMode::kUpdate);
    if (fd < 0) return failure("open", path, fd);
    Failure error = failure("sync", path, disk_.sync_data(fd));
    disk_.close(fd);
    if (error) return error;
  }
  if (Failure error = sync(path_)) return error;
  return sync(io::directory_of(path_));
}

// ---- files

JournalDirectory::Failure JournalDirectory::make_directory() {
  const int made = disk_.make_directory(path_);
  if (made != -EEXIST && made < 0) return failure("create the directory", path_, made);
  return sync(io::directory_of(path_));
}

JournalDirectory::Failure JournalDirectory::sync(const std::string& directory) {
  return failure("sync the directory", directory, disk_.sync_directory(directory));
}

JournalDirectory::Failure JournalDirectory::rename(const std::string& from, const std::string& to) {
  return failure("rename to " + to + " the file", from, disk_.rename(from, to));
}

JournalDirectory::Failure JournalDirectory::write_fence(JournalFile& file, uint64_t synced_bytes) {
  Buffer fence;
  persistence::append_annotation(fence, {}, synced_bytes);
  const int written = io::write_fully(disk_, file.fd, static_cast<int64_t>(file.bytes), fence.view());
  if (written < 0) return failure("write to", file.path, written);
  if (Failure error = failure("sync", file.path, disk_.sync_data(file.fd))) return error;
  file.bytes += fence.size();
  file.synced = file.bytes;
  return std::nullopt;
}

// Its name is not durable yet.
JournalDirectory::Failure JournalDirectory::create_increment(JournalFile& file) {
  file.fd = disk_.open(file.path, io::OpenMode::kCreateEmpty);
  if (file.fd < 0) return failure("create", file.path, file.fd);
  Failure error = write_fence(file, 0);
  if (error) disk_.close(file.fd);
  return error;
}

JournalDirectory::Failure JournalDirectory::write_temporary_manifest(const Manifest& next) {
  const std::string path = temporary_manifest_path();
  const int fd = disk_.open(path, io::OpenMode::kCreateEmpty);
  if (fd < 0) return failure("create", path, fd);
  Failure error = failure("write to", path, io::write_fully(disk_, fd, 0, next.format()));
  if (!error) error = failure("sync", path, disk_.sync_data(fd));
  const int closed = disk_.close(fd);
  return error ? error : failure("close", path, closed);
}

JournalDirectory::Failure JournalDirectory::put_manifest_in_place(const Manifest& next) {
  if (Failure error = rename(temporary_manifest_path(), manifest_path())) return error;
  manifest_ = next;
  exists_ = true;
  return sync(path_);
}

JournalDirectory::Failure JournalDirectory::write_manifest(const Manifest& next) {
  if (Failure error = write_temporary_manifest(next)) return error;
  return put_manifest_in_place(next);
}

JournalDirectory::Failure JournalDirectory::remove_history() {
  if (manifest_.history().empty()) return std::nullopt;
  for (const ManifestFile& file : manifest_.history()) {
    const int removed = disk_.remove(path_of(file.name));
    if (removed != -ENOENT && removed < 0) return failure("remove", path_of(file.name), removed);
  }
  // None of them comes back when no manifest speaks of it any more.
  if (Failure error = sync(path_)) return error;
  Manifest next = manifest_;
  next.clear_history();
  return write_manifest(next);
}

uint64_t JournalDirectory::bytes_of(const std::string& path) const {
  const int fd = disk_.open(path, io::OpenMode::kRead);
  if (fd < 0) return 0;
  const int64_t bytes = disk_.size(fd);
  disk_.close(fd);
  return static_cast<uint64_t>(std::max<int64_t>(bytes, 0));
}

uint64_t JournalDirectory::base_bytes() const {
  return manifest_.base() ? bytes_of(path_of(manifest_.base()->name)) : 0;
}

uint64_t JournalDirectory::total_bytes() const {
  uint64_t total = base_bytes();
  for (const ManifestFile& file : manifest_.incrs()) total += bytes_of(path_of(file.name));
  return total;
}

// ---- rewriting

Result<JournalFile, std::string> JournalDirectory::add_increment() {
  Manifest next = manifest_;
  next.add_incr(next.next_incr(append_name_));
  JournalFile file{.path = path_of(next.incrs().back().name)};
  if (const Failure error = create_increment(file)) return *error;
  Failure error = sync(path_);
  if (!error) error = write_manifest(next);
  if (!error) return file;
  disk_.close(file.fd);
  return *error;
}

Result<JournalFile, std::string> JournalDirectory::create_detached_increment() {
  if (!exists_) {
    if (const Failure error = read()) return *error;
  }
  if (const Failure error = make_directory()) return *error;
  JournalFile file;
  file.path = path_of(persistence::temporary_name(append_name_)) + "." + std::to_string(++detached_) +
              std::string(kIncrementEnd);
  if (const Failure error = create_increment(file)) return *error;
  return file;
}

// The temporary manifest is durable before any file gets a name that counts, see the head of the header.
JournalDirectory::Failure JournalDirectory::publish_base(const std::string& first_increment) {
  const std::vector<ManifestFile>& incrs = manifest_.incrs();
  const auto first = std::find_if(incrs.begin(), incrs.end(),
                                  [&](const ManifestFile& file) { return path_of(file.name) == first_increment; });
  const bool is_detached = first == incrs.end();
  const ManifestFile base = manifest_.next_base(append_name_, true);
  const std::string temporary_base = temporary_base_path();
  Manifest next = manifest_;
  if (is_detached) next.add_incr(next.next_incr(append_name_));
  next.retire_incrs(is_detached ? 1 : static_cast<size_t>(incrs.end() - first));
  next.set_base(base);
  if (Failure error = write_temporary_manifest(next)) return error;
  if (Failure error = sync(path_)) return error;
  if (is_detached) {
    if (Failure error = rename(first_increment, path_of(next.incrs().back().name))) return error;
  }
  if (Failure error = rename(temporary_base, path_of(base.name))) return error;
  if (Failure error = sync(path_)) return error;
  if (Failure error = put_manifest_in_place(next)) return error;
  remove_history();
  return std::nullopt;
}

}  // namespace millrace::core
