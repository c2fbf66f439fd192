// See simulated_file.h.
#include "support/simulated_file.h"

#include <algorithm>

namespace millrace::test {
namespace {

constexpr uint64_t kGarbageOneIn = 8;

}  // namespace

std::string SimulatedFile::sector_of(const std::string& bytes, size_t sector) {
  const size_t first = sector * kSectorBytes;
  std::string result = first < bytes.size() ? bytes.substr(first, kSectorBytes) : std::string();
  result.resize(kSectorBytes, '\0');
  return result;
}

void SimulatedFile::put_sector(std::string& bytes, size_t sector, std::string_view sector_bytes) {
  const size_t first = sector * kSectorBytes;
  if (bytes.size() < first + kSectorBytes) bytes.resize(first + kSectorBytes, '\0');
  bytes.replace(first, kSectorBytes, sector_bytes);
}

void SimulatedFile::note_versions(size_t first_byte, size_t end_byte) {
  for (size_t sector = first_byte / kSectorBytes; sector * kSectorBytes < end_byte; ++sector) {
    unsynced_[sector].push_back({step_, sector_of(content_, sector)});
  }
}

void SimulatedFile::write(size_t offset, std::string_view bytes) {
  ++step_;
  const size_t end = offset + bytes.size();
  if (end > content_.size()) {
    content_.resize(end, '\0');
    sizes_.push_back({step_, end});
  }
  content_.replace(offset, bytes.size(), bytes);
  note_versions(offset, end);
}

void SimulatedFile::truncate(size_t bytes) {
  if (bytes == content_.size()) return;
  ++step_;
  const size_t old_bytes = content_.size();
  content_.resize(bytes, '\0');
  sizes_.push_back({step_, bytes});
  if (bytes < old_bytes) note_versions(bytes, old_bytes);
}

void SimulatedFile::sync() {
  for (const auto& [sector, versions] : unsynced_) put_sector(durable_, sector, sector_of(content_, sector));
  durable_bytes_ = content_.size();
  unsynced_.clear();
  sizes_.clear();
  synced_step_ = step_;
}

void SimulatedFile::fail_sync(Random& random) {
  for (const auto& [sector, versions] : unsynced_) {
    if (random.one_in(2)) put_sector(durable_, sector, sector_of(content_, sector));
  }
  unsynced_.clear();
}

SimulatedFile SimulatedFile::after_crash(Random& random) const {
  const auto mood = static_cast<Mood>(random.below(4));
  const uint64_t cut = synced_step_ + random.below(step_ - synced_step_ + 1);
  SimulatedFile found;
  found.durable_ = durable_;
  for (const auto& [sector, versions] : unsynced_) {
    const std::string* version = find_version(versions, mood, cut, random);
    if (version) {
      put_sector(found.durable_, sector, *version);
    } else if (sector * kSectorBytes >= std::max(durable_.size(), durable_bytes_) && random.one_in(kGarbageOneIn)) {
      put_sector(found.durable_, sector, std::string(kSectorBytes, static_cast<char>(random.below(256))));
    }
  }
  found.durable_bytes_ = find_size(mood, cut, random);
  found.durable_.resize(found.durable_bytes_, '\0');
  found.content_ = found.durable_;
  return found;
}

size_t SimulatedFile::find_size(Mood mood, uint64_t cut, Random& random) const {
  if (mood == Mood::kNothing || sizes_.empty()) return durable_bytes_;
  if (mood == Mood::kEverything) return content_.size();
  if (mood == Mood::kAnything) {
    const size_t choice = random.below(sizes_.size() + 1);
    return choice == 0 ? durable_bytes_ : sizes_[choice - 1].bytes;
  }
  size_t bytes = durable_bytes_;
  for (const Size& size : sizes_) {
    if (size.step <= cut) bytes = size.bytes;
  }
  return bytes;
}

const std::string* SimulatedFile::find_version(const std::vector<Version>& versions, Mood mood, uint64_t cut,
                                               Random& random) {
  if (mood == Mood::kNothing) return nullptr;
  if (mood == Mood::kEverything) return &versions.back().bytes;
  if (mood == Mood::kAnything) {
    const size_t choice = random.below(versions.size() + 1);
    return choice == 0 ? nullptr : &versions[choice - 1].bytes;
  }
  // Up to the cut, and the change at the cut torn.
  const std::string* found = nullptr;
  for (const Version& version : versions) {
    if (version.step < cut || (version.step == cut && random.one_in(2))) found = &version.bytes;
  }
  return found;
}

}  // namespace millrace::test
