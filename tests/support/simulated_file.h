// SimulatedFile: the bytes of one file, as the process sees them and as power loss may leave them.
//
//   content    | sector 0 | sector 1 | sector 2 | sector 3 |     what reads give
//   unsynced              |  v1 v2   |          |    v1    |     every state of a sector since it was last made durable
//   durable    | sector 0 | sector 1 | sector 2 |                what the device holds for certain
//
// A sector reaches the device whole, at any time, in any order: after power loss each holds its durable bytes or any
// version since, and the size is any it had since the last sync. A sector that never was durable may hold garbage.
// A sync that fails marks everything clean all the same, as Linux does: some sectors have reached the device, the
// others never will, unless they are written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace millrace::test {

class SimulatedFile {
 public:
  static constexpr size_t kSectorBytes = 512;

  const std::string& content() const { return content_; }

  void write(size_t offset, std::string_view bytes);
  void truncate(size_t bytes);
  void sync();
  void fail_sync(Random& random);
  // One of the states the device may be found in. All of that is durable.
  SimulatedFile after_crash(Random& random) const;

 private:
  // What of the past a crash keeps.
  enum class Mood { kNothing, kEverything, kPrefix, kAnything };
  struct Version {
    uint64_t step;
    std::string bytes;  // a whole sector
  };
  struct Size {
    uint64_t step;
    size_t bytes;
  };

  static std::string sector_of(const std::string& bytes, size_t sector);
  static void put_sector(std::string& bytes, size_t sector, std::string_view sector_bytes);
  void note_versions(size_t first_byte, size_t end_byte);
  size_t find_size(Mood mood, uint64_t cut, Random& random) const;
  // nullptr: the durable bytes.
  static const std::string* find_version(const std::vector<Version>& versions, Mood mood, uint64_t cut, Random& random);

  std::string content_;
  std::string durable_;  // may hold sectors behind durable_bytes_, which count as soon as the size is durable
  size_t durable_bytes_ = 0;
  std::map<size_t, std::vector<Version>> unsynced_;  // by number of the sector
  std::vector<Size> sizes_;                          // since the last sync that did not fail
  uint64_t step_ = 0;                                // counts changes
  uint64_t synced_step_ = 0;
};

}  // namespace millrace::test
