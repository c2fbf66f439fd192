// The simulated disk itself: what is found after power loss is one of the states that may be, and each of them is
// found; what was synced is always there; every call can be counted and failed.
#include "support/simulated_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "io/disk.h"

namespace millrace::test {
namespace {

constexpr size_t kSectorBytes = SimulatedFile::kSectorBytes;
constexpr uint64_t kCrashes = 300;

// A disk with one file whose name is durable.
class OneFile {
 public:
  explicit OneFile(uint64_t seed) : disk(seed), fd(disk.open("file", io::OpenMode::kCreate)) {
    disk.sync_directory(".");
  }
  void write(size_t offset, const std::string& text) {
    ASSERT_EQ(io::write_fully(disk, fd, static_cast<int64_t>(offset), text), 0);
  }
  std::string content() const { return *disk.content("file"); }
  // What the file may hold after power loss, as far as this many tries find out.
  std::set<std::string> outcomes(uint64_t crashes = kCrashes) const {
    std::set<std::string> found;
    for (uint64_t seed = 0; seed < crashes; ++seed) found.insert(*disk.crash(seed)->content("file"));
    return found;
  }

  SimulatedDisk disk;
  const int fd;
};

TEST(SimulatedDisk, WhatIsSyncedSurvivesEveryCrash) {
  OneFile one(1);
  one.write(0, std::string(3000, 'a'));
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.outcomes(), std::set<std::string>{std::string(3000, 'a')});
}

TEST(SimulatedDisk, WhatIsNotSyncedMayBeThereOrNot) {
  OneFile one(1);
  one.write(0, "word");
  const std::set<std::string> outcomes = one.outcomes();
  EXPECT_TRUE(outcomes.contains(""));
  EXPECT_TRUE(outcomes.contains("word"));
  EXPECT_TRUE(outcomes.contains(std::string(4, '\0'))) << "the size may be durable before the bytes";
}

TEST(SimulatedDisk, KillLosesNothingAndSavesNothing) {
  OneFile one(1);
  one.write(0, "word");
  const auto killed = one.disk.kill();
  EXPECT_EQ(killed->content("file"), "word");
  EXPECT_EQ(killed->open_descriptors(), 0U);
  EXPECT_EQ(one.disk.open_descriptors(), 1U);
  bool was_lost = false;
  for (uint64_t seed = 0; seed < kCrashes; ++seed) was_lost |= killed->crash(seed)->content("file") != "word";
  EXPECT_TRUE(was_lost);
}

TEST(SimulatedDisk, SectorsAreTornApartButNeverInside) {
  OneFile one(1);
  one.write(0, std::string(2 * kSectorBytes, 'a'));
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  one.write(0, std::string(2 * kSectorBytes, 'b'));
  const std::string a(kSectorBytes, 'a');
  const std::string b(kSectorBytes, 'b');
  EXPECT_EQ(one.outcomes(), (std::set<std::string>{a + a, a + b, b + a, b + b}));
}

TEST(SimulatedDisk, ALaterWriteMaySurviveAnEarlierOne) {
  OneFile one(1);
  one.write(0, std::string(kSectorBytes, 'a'));
  one.write(kSectorBytes, std::string(kSectorBytes, 'b'));
  EXPECT_TRUE(one.outcomes().contains(std::string(kSectorBytes, '\0') + std::string(kSectorBytes, 'b')));
}

TEST(SimulatedDisk, WhatNeverReachedTheDeviceMayBeGarbage) {
  OneFile one(1);
  one.write(0, std::string(kSectorBytes, 'a'));
  const std::set<std::string> outcomes = one.outcomes();
  EXPECT_TRUE(std::any_of(outcomes.begin(), outcomes.end(), [](const std::string& found) {
    return !found.empty() && found[0] != 'a' && found[0] != '\0';
  }));
}

TEST(SimulatedDisk, AnAppendInASharedSectorKeepsTheSyncedBytes) {
  OneFile one(1);
  one.write(0, "synced ");
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  one.write(7, "and more");
  for (const std::string& found : one.outcomes()) EXPECT_EQ(found.substr(0, 7), "synced ");
}

TEST(SimulatedDisk, ATruncationIsDurableWithTheNextSync) {
  OneFile one(1);
  one.write(0, "a long text");
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  ASSERT_EQ(one.disk.truncate(one.fd, 6), 0);
  EXPECT_TRUE(one.outcomes().contains("a long text"));
  EXPECT_TRUE(one.outcomes().contains("a long"));
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.outcomes(), std::set<std::string>{"a long"});
  ASSERT_EQ(one.disk.truncate(one.fd, 8), 0);
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.outcomes(), std::set<std::string>{std::string("a long\0\0", 8)});
}

TEST(SimulatedDisk, AFailedSyncIsNotRepairedByALaterOne) {
  OneFile one(1);
  one.write(0, std::string(40 * kSectorBytes, 'a'));
  one.disk.fail({.only = DiskCall::kSync});
  ASSERT_EQ(one.disk.sync_data(one.fd), -EIO);
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.content(), std::string(40 * kSectorBytes, 'a')) << "the page cache still has it";
  const std::set<std::string> outcomes = one.outcomes();
  ASSERT_EQ(outcomes.size(), 1U) << "what is lost was decided when the sync failed";
  const std::string& found = *outcomes.begin();
  EXPECT_EQ(found.size(), 40 * kSectorBytes);
  EXPECT_NE(found, one.content());
  EXPECT_GT(std::count(found.begin(), found.end(), 'a'), 0);
  one.write(0, one.content());
  ASSERT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.outcomes(), std::set<std::string>{one.content()}) << "written again it is safe";
}

// Every sector holds what it held at some moment since the last sync, and so does the size.
TEST(SimulatedDisk, RandomHistoriesLeaveOnlyAllowedStates) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OneFile one(seed);
    std::vector<std::string> since_sync = {""};
    for (int step = 0; step < 40; ++step) {
      if (random.one_in(10)) {
        ASSERT_EQ(one.disk.sync_data(one.fd), 0);
        since_sync.clear();
      } else if (random.one_in(10)) {
        ASSERT_EQ(one.disk.truncate(one.fd, static_cast<int64_t>(random.below(4000))), 0);
      } else {
        const std::string text(1 + random.below(1500), static_cast<char>('a' + random.below(26)));
        ASSERT_GT(one.disk.write_at(one.fd, static_cast<int64_t>(random.below(3000)), text), 0);
      }
      since_sync.push_back(one.content());
      const std::string found = *one.disk.crash(random.next())->content("file");
      const auto sector = [](const std::string& text, size_t at) {
        std::string bytes = at < text.size() ? text.substr(at, kSectorBytes) : "";
        bytes.resize(kSectorBytes, '\0');
        return bytes;
      };
      EXPECT_TRUE(std::any_of(since_sync.begin(), since_sync.end(),
                              [&](const std::string& state) { return state.size() == found.size(); }));
      for (size_t at = 0; at < found.size(); at += kSectorBytes) {
        const std::string bytes = found.substr(at, kSectorBytes);
        const bool was_never_durable = at >= since_sync.front().size();
        EXPECT_TRUE(std::any_of(since_sync.begin(), since_sync.end(),
                                [&](const std::string& state) { return sector(state, at).starts_with(bytes); }) ||
                    (was_never_durable && bytes == std::string(bytes.size(), bytes[0])))
            << "step " << step << " at " << at;
      }
    }
  }
}

// ---- Names ----------------------------------------------------------------------------------------------------------

void put(SimulatedDisk& disk, const std::string& path, const std::string& text) {
  const int fd = disk.open(path, io::OpenMode::kCreateEmpty);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(io::write_fully(disk, fd, 0, text), 0);
  ASSERT_EQ(disk.sync_data(fd), 0);
  ASSERT_EQ(disk.close(fd), 0);
}

// The contents of both names, "-" for none, that crashes lead to.
std::set<std::string> outcomes(const SimulatedDisk& disk, const std::string& first, const std::string& second) {
  std::set<std::string> found;
  for (uint64_t seed = 0; seed < kCrashes; ++seed) {
    const auto crashed = disk.crash(seed);
    found.insert(crashed->content(first).value_or("-") + " " + crashed->content(second).value_or("-"));
  }
  return found;
}

TEST(SimulatedDisk, ANewNameIsDurableWithItsDirectory) {
  SimulatedDisk disk(1);
  put(disk, "file", "text");
  EXPECT_EQ(outcomes(disk, "file", "none"), (std::set<std::string>{"- -", "text -"}));
  ASSERT_EQ(disk.sync_directory("."), 0);
  EXPECT_EQ(outcomes(disk, "file", "none"), std::set<std::string>{"text -"});
}

TEST(SimulatedDisk, ARenameHappensWholeOrNotAtAll) {
  SimulatedDisk disk(1);
  put(disk, "file", "old");
  put(disk, "temporary", "new");
  ASSERT_EQ(disk.sync_directory("."), 0);
  ASSERT_EQ(disk.rename("temporary", "file"), 0);
  EXPECT_EQ(disk.content("file"), "new");
  EXPECT_EQ(outcomes(disk, "file", "temporary"), (std::set<std::string>{"old new", "new -"}));
  ASSERT_EQ(disk.sync_directory("."), 0);
  EXPECT_EQ(outcomes(disk, "file", "temporary"), std::set<std::string>{"new -"});
}

TEST(SimulatedDisk, ARenameMaySurviveTheBytesOfItsFile) {
  SimulatedDisk disk(1);
  put(disk, "file", "old");
  ASSERT_EQ(disk.sync_directory("."), 0);
  const int fd = disk.open("temporary", io::OpenMode::kCreateNew);
  ASSERT_EQ(io::write_fully(disk, fd, 0, "new"), 0);
  ASSERT_EQ(disk.rename("temporary", "file"), 0);
  EXPECT_TRUE(outcomes(disk, "file", "temporary").contains(" -"));
}

TEST(SimulatedDisk, ARemovalMayBeUndoneByACrash) {
  SimulatedDisk disk(1);
  put(disk, "file", "text");
  ASSERT_EQ(disk.sync_directory("."), 0);
  ASSERT_EQ(disk.remove("file"), 0);
  EXPECT_EQ(outcomes(disk, "file", "none"), (std::set<std::string>{"- -", "text -"}));
}

TEST(SimulatedDisk, ChangesOfDifferentNamesComeInAnyOrder) {
  SimulatedDisk disk(1);
  put(disk, "a", "1");
  put(disk, "b", "2");
  EXPECT_EQ(outcomes(disk, "a", "b"), (std::set<std::string>{"- -", "1 -", "- 2", "1 2"}));
}

TEST(SimulatedDisk, ChangesOfOneNameKeepTheirOrder) {
  SimulatedDisk disk(1);
  put(disk, "a", "1");
  ASSERT_EQ(disk.rename("a", "b"), 0);
  put(disk, "a", "2");
  EXPECT_EQ(outcomes(disk, "a", "b"), (std::set<std::string>{"- -", "1 -", "- 1", "2 1"}));
}

TEST(SimulatedDisk, ALostDirectoryTakesItsFilesAlong) {
  SimulatedDisk disk(1);
  ASSERT_EQ(disk.make_directory("data"), 0);
  put(disk, "data/file", "text");
  ASSERT_EQ(disk.sync_directory("data"), 0);
  EXPECT_EQ(outcomes(disk, "data/file", "none"), (std::set<std::string>{"- -", "text -"}));
  ASSERT_EQ(disk.sync_directory("."), 0);
  EXPECT_EQ(outcomes(disk, "data/file", "none"), std::set<std::string>{"text -"});
}

TEST(SimulatedDisk, ACrashedDiskIsDurableAndGoesOn) {
  OneFile one(1);
  one.write(0, std::string(2000, 'a'));
  const auto crashed = one.disk.crash(7);
  const std::string found = *crashed->content("file");
  for (uint64_t seed = 0; seed < 50; ++seed) EXPECT_EQ(crashed->crash(seed)->content("file"), found);
  const int fd = crashed->open("file", io::OpenMode::kUpdate);
  ASSERT_EQ(crashed->truncate(fd, 0), 0);
  ASSERT_EQ(crashed->truncate(fd, 3000), 0);
  ASSERT_EQ(crashed->sync_data(fd), 0);
  EXPECT_EQ(crashed->crash(1)->content("file"), std::string(3000, '\0'));
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

int run_script(SimulatedDisk& disk) {
  const int fd = disk.open("temporary", io::OpenMode::kCreateEmpty);
  if (fd < 0) return fd;
  int error = io::write_fully(disk, fd, 0, std::string(3000, 'x'));
  if (error == 0) error = disk.sync_data(fd);
  const int close_error = disk.close(fd);
  if (error == 0) error = close_error;
  if (error == 0) error = disk.rename("temporary", "file");
  if (error == 0) error = disk.sync_directory(".");
  return error;
}

TEST(SimulatedDisk, EveryCallOfAScriptCanBeStoppedAt) {
  SimulatedDisk disk(1);
  std::vector<DiskCall> seen;
  std::set<std::string> states;
  disk.before_each_call([&](DiskCall call) {
    seen.push_back(call);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto content = disk.crash(seed)->content("file");
      EXPECT_TRUE(!content || *content == std::string(3000, 'x')) << "the name came before the bytes";
      states.insert(content.value_or("-"));
    }
  });
  EXPECT_EQ(run_script(disk), 0);
  EXPECT_EQ(seen.size(), disk.calls());
  EXPECT_EQ(seen.front(), DiskCall::kOpen);
  EXPECT_EQ(seen.back(), DiskCall::kSyncDirectory);
  EXPECT_EQ(disk.calls(DiskCall::kRename), 1U);
  EXPECT_EQ(states.size(), 2U);
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_TRUE(disk.crash(seed)->content("file"));
}

TEST(SimulatedDisk, EveryCallOfAScriptCanFail) {
  SimulatedDisk whole(1);
  ASSERT_EQ(run_script(whole), 0);
  for (uint64_t k = 0; k < whole.calls(); ++k) {
    SimulatedDisk disk(1);
    disk.fail({.after = k, .error = ENOSPC});
    EXPECT_EQ(run_script(disk), -ENOSPC) << "call " << k;
    EXPECT_EQ(disk.open_descriptors(), 0U);
    EXPECT_EQ(run_script(disk), 0) << "a fault comes once";
  }
}

TEST(SimulatedDisk, AFaultOfOneKindLastsUntilItIsHealed) {
  OneFile one(1);
  one.disk.fail({.only = DiskCall::kWrite, .after = 1, .times = 1000, .error = EIO});
  EXPECT_GT(one.disk.write_at(one.fd, 0, "x"), 0);
  EXPECT_EQ(one.disk.write_at(one.fd, 1, "y"), -EIO);
  EXPECT_EQ(one.disk.sync_data(one.fd), 0);
  EXPECT_EQ(one.disk.write_at(one.fd, 1, "y"), -EIO);
  one.disk.heal();
  EXPECT_EQ(one.disk.write_at(one.fd, 1, "y"), 1);
  EXPECT_EQ(one.content(), "xy");
}

TEST(SimulatedDisk, AFullDiskTakesWhatFitsAndHealsWhenSomethingIsRemoved) {
  SimulatedDisk disk(1);
  put(disk, "old", std::string(600, 'o'));
  disk.limit_bytes(1000);
  const int fd = disk.open("new", io::OpenMode::kCreate);
  EXPECT_EQ(io::write_fully(disk, fd, 0, std::string(500, 'n')), -ENOSPC);
  EXPECT_EQ(disk.content("new"), std::string(400, 'n'));
  EXPECT_GT(disk.write_at(fd, 100, std::string(300, 'm')), 0) << "overwriting needs no room";
  ASSERT_EQ(disk.remove("old"), 0);
  EXPECT_EQ(io::write_fully(disk, fd, 400, std::string(600, 'n')), 0);
  EXPECT_EQ(disk.used_bytes(), 1000U);
}

TEST(SimulatedDisk, TheSameSeedAndCallsGiveTheSameDisk) {
  const auto run = [](uint64_t seed) {
    OneFile one(seed);
    std::string results;
    for (int i = 0; i < 50; ++i) {
      results += std::to_string(one.disk.write_at(one.fd, i * 10, "twenty bytes of text")) + " ";
    }
    return results + *one.disk.crash(seed)->content("file");
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace millrace::test
