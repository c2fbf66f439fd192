// The journal's directory on the simulated disk: after a stop at any call of any step it loads to the state before the
// step or after it, never to a mix and never to an error, and it can be gone on with.
//
// What a file holds are letters here; a state is the letters of the base and the increments in order. A base has the
// letters of what it replaces, so rewriting changes no state.
#include "core/journal_directory.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "persistence/journal_format.h"
#include "support/simulated_disk.h"

namespace millrace::test {
namespace {

using core::JournalDirectory;
using core::JournalFile;

constexpr char kPath[] = "/data/appendonlydir";
constexpr char kName[] = "appendonly.aof";

void write_whole(SimulatedDisk& disk, const std::string& path, const std::string& letters) {
  const int fd = disk.open(path, io::OpenMode::kCreateEmpty);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(io::write_fully(disk, fd, 0, letters), 0);
  ASSERT_EQ(disk.sync_data(fd), 0);
  ASSERT_EQ(disk.close(fd), 0);
}

// The letters of a file without the lines that Redis passes over.
std::string letters_of(const SimulatedDisk& disk, const std::string& path) {
  const std::optional<std::string> content = disk.content(path);
  if (!content) return "(" + path + " is missing)";
  std::string letters;
  for (size_t i = 0; i < content->size(); ++i) {
    if ((*content)[i] == '#') i = content->find('\n', i);
    if (i == std::string::npos) return letters + "(a fence is torn)";
    if ((*content)[i] != '\n') letters += (*content)[i];
  }
  return letters;
}

// What would be loaded; "none" without a journal.
std::string state_on(SimulatedDisk& disk) {
  JournalDirectory directory(disk, kPath, kName);
  if (const auto error = directory.read()) return "(" + *error + ")";
  if (directory.needs_upgrade("/data")) {
    if (const auto error = directory.upgrade("/data")) return "(" + *error + ")";
  }
  if (!directory.exists()) return "none";
  std::string state;
  if (directory.manifest().base()) state += letters_of(disk, directory.path_of(directory.manifest().base()->name));
  for (const auto& file : directory.manifest().incrs()) state += letters_of(disk, directory.path_of(file.name));
  return state;
}

class JournalDirectoryTest : public testing::TestWithParam<uint64_t> {
 protected:
  JournalDirectoryTest() {
    disk_.make_directory("/data");
    disk_.sync_directory("/");
    EXPECT_EQ(directory_.read(), std::nullopt);
  }

  // Runs `step`; a stop at each of its calls, by power loss and by kill, leaves `before` or what there is behind it.
  // Returns the number of calls.
  uint64_t stop_at_each_call(const std::string& before, const std::function<void()>& step) {
    std::vector<std::unique_ptr<SimulatedDisk>> found;
    const auto note = [&](DiskCall) {
      found.push_back(disk_.crash(GetParam() * 1000 + found.size()));
      found.push_back(disk_.kill());
      found.push_back(found.back()->crash(GetParam() * 1000 + found.size()));
    };
    disk_.before_each_call(note);
    step();
    disk_.before_each_call({});
    const std::string after = state_on(*disk_.kill());
    EXPECT_EQ(state_on(*disk_.crash(GetParam())), after) << "the step was over, and what it did is lost";
    for (const auto& disk : found) check_found(*disk, before, after);
    return found.size() / 3;
  }

  void check_found(SimulatedDisk& disk, const std::string& before, const std::string& after) {
    const std::string state = state_on(disk);
    EXPECT_TRUE(state == before || state == after) << state << " instead of " << before << " or " << after;
    go_on(disk, state);
  }

  // A server that finds this can go on with it, now and after another stop.
  void go_on(SimulatedDisk& disk, const std::string& state) {
    JournalDirectory directory(disk, kPath, kName);
    ASSERT_EQ(directory.read(), std::nullopt);
    if (!directory.exists()) {
      ASSERT_EQ(directory.clean_up(), std::nullopt);
      const auto file = directory.create([&](const std::string& path) {
        write_whole(disk, path, "");
        return std::nullopt;
      });
      ASSERT_TRUE(file.ok()) << file.error();
      disk.close(file->fd);
      EXPECT_EQ(state_on(disk), "");
      return;
    }
    ASSERT_EQ(directory.clean_up(), std::nullopt);
    EXPECT_EQ(state_on(disk), state) << "by cleaning up";
    const auto file = directory.open_last_increment();
    ASSERT_TRUE(file.ok()) << file.error();
    ASSERT_EQ(io::write_fully(disk, file->fd, static_cast<int64_t>(file->bytes), "z"), 0);
    ASSERT_EQ(disk.sync_data(file->fd), 0);
    disk.close(file->fd);
    EXPECT_EQ(state_on(*disk.crash(5)), state + "z");
    EXPECT_LE(files_beside_the_manifest(disk), 1 + directory.manifest().incrs().size());
  }

  static size_t files_beside_the_manifest(SimulatedDisk& disk) {
    std::vector<std::string> names;
    disk.list_directory(kPath, names);
    return names.size() - 1;
  }

  void create(const std::string& base) {
    const auto file = directory_.create([&](const std::string& path) {
      write_whole(disk_, path, base);
      return std::nullopt;
    });
    ASSERT_TRUE(file.ok()) << file.error();
    go_to(*file);
  }
  void go_to(const JournalFile& file) {
    if (file_.fd >= 0) disk_.close(file_.fd);
    file_ = file;
  }
  // As the journal does.
  void append(const std::string& letters) {
    ASSERT_EQ(io::write_fully(disk_, file_.fd, static_cast<int64_t>(file_.bytes), letters), 0);
    ASSERT_EQ(disk_.sync_data(file_.fd), 0);
    file_.bytes += letters.size();
  }
  // nullopt, or why it failed.
  std::optional<std::string> rewrite(const std::string& base) {
    const auto file = directory_.add_increment();
    if (!file) return file.error();
    go_to(*file);
    return publish(base);
  }
  std::optional<std::string> publish(const std::string& base) {
    write_whole(disk_, directory_.temporary_base_path(), base);
    return directory_.publish_base(file_.path);
  }
  void expect_state(const std::string& state) {
    EXPECT_EQ(state_on(*disk_.kill()), state);
    EXPECT_EQ(state_on(*disk_.crash(GetParam())), state);
  }

  SimulatedDisk disk_{GetParam()};
  JournalDirectory directory_{disk_, kPath, kName};
  JournalFile file_;
  uint64_t failures_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Seeds, JournalDirectoryTest, testing::Range<uint64_t>(1, 4));

TEST_P(JournalDirectoryTest, IsCreatedWholeOrNotAtAll) {
  EXPECT_GE(stop_at_each_call("none", [&] { create("ab"); }), 15u);
  expect_state("ab");
  append("c");
  expect_state("abc");
}

TEST_P(JournalDirectoryTest, AnIncrementIsAddedWithoutChangingWhatIsLoaded) {
  create("ab");
  append("c");
  stop_at_each_call("abc", [&] {
    const auto file = directory_.add_increment();
    ASSERT_TRUE(file.ok());
    go_to(*file);
  });
  append("d");
  expect_state("abcd");
}

TEST_P(JournalDirectoryTest, WhatWasNotSyncedBeforeAKillIsBeforeAnythingFollows) {
  create("ab");
  ASSERT_EQ(io::write_fully(disk_, file_.fd, static_cast<int64_t>(file_.bytes), "c"), 0);
  const auto file = directory_.add_increment();
  ASSERT_TRUE(file.ok());
  disk_.close(file->fd);
  go_on(*disk_.kill(), "abc");
}

TEST_P(JournalDirectoryTest, ARewriteChangesTheFilesAndNotTheState) {
  create("");
  append("ab");
  for (int round = 0; round < 3; ++round) {
    const std::string before = state_on(*disk_.kill());
    const auto file = directory_.add_increment();
    ASSERT_TRUE(file.ok());
    go_to(*file);
    append("c");
    const std::string state = before + "c";
    EXPECT_GE(stop_at_each_call(state, [&] { EXPECT_EQ(publish(before), std::nullopt); }), 15u);
    expect_state(state);
    EXPECT_EQ(files_beside_the_manifest(disk_), 2u);
    append("d");
    expect_state(state + "d");
  }
}

TEST_P(JournalDirectoryTest, AJournalThatIsTurnedOnReplacesTheOldOneInOneStep) {
  create("old");
  append("er");
  std::optional<JournalFile> file;
  stop_at_each_call("older", [&] {
    const auto made = directory_.create_detached_increment();
    ASSERT_TRUE(made.ok());
    file = *made;
  });
  go_to(*file);
  append("!");
  expect_state("older");
  stop_at_each_call("older", [&] { EXPECT_EQ(publish("new"), std::nullopt); });
  expect_state("new!");
  append("?");
  expect_state("new!?");
}

TEST_P(JournalDirectoryTest, TheFirstJournalIsTurnedOnInOneStep) {
  std::optional<JournalFile> file;
  stop_at_each_call("none", [&] {
    const auto made = directory_.create_detached_increment();
    ASSERT_TRUE(made.ok());
    file = *made;
  });
  go_to(*file);
  append(std::string(100, '!'));
  expect_state("none");
  stop_at_each_call("none", [&] { EXPECT_EQ(publish("new"), std::nullopt); });
  expect_state("new" + std::string(100, '!'));
}

TEST_P(JournalDirectoryTest, TheFileOfAnOldRedisMovesInWholeOrNotAtAll) {
  write_whole(disk_, "/data/appendonly.aof", "ancient");
  disk_.sync_directory("/data");
  ASSERT_TRUE(directory_.needs_upgrade("/data"));
  stop_at_each_call("ancient", [&] { EXPECT_EQ(directory_.upgrade("/data"), std::nullopt); });
  EXPECT_FALSE(directory_.needs_upgrade("/data"));
  EXPECT_EQ(disk_.content("/data/appendonly.aof"), std::nullopt);
  const auto file = directory_.open_last_increment();
  ASSERT_TRUE(file.ok());
  go_to(*file);
  append("!");
  expect_state("ancient!");
}

// Whichever call fails, once: the step says so, the state stays, and the next rewrite works.
TEST_P(JournalDirectoryTest, AFailingCallFailsTheRewriteAndNothingElse) {
  create("");
  std::string state;
  for (uint64_t call = 0; call < 60; ++call) {
    SCOPED_TRACE("failing call " + std::to_string(call));
    const auto added = directory_.add_increment();
    ASSERT_TRUE(added.ok());
    go_to(*added);
    append("a");
    write_whole(disk_, directory_.temporary_base_path(), state);
    state += "a";
    disk_.fail({.after = call});
    const auto error = directory_.publish_base(file_.path);
    const bool was_reached = disk_.calls() > 0 && error.has_value();
    disk_.heal();
    expect_state(state);
    append("b");
    state += "b";
    expect_state(state);
    failures_ += was_reached ? 1 : 0;

    disk_.fail({.after = call});
    const auto failing = directory_.add_increment();
    disk_.heal();
    if (failing.ok()) disk_.close(failing->fd);
    expect_state(state);
    ASSERT_EQ(rewrite(state), std::nullopt);
    expect_state(state);
    EXPECT_EQ(files_beside_the_manifest(disk_), 2u);
  }
  EXPECT_GE(failures_, 8u);
}

TEST_P(JournalDirectoryTest, AJournalWithoutItsManifestIsNotOverwritten) {
  create("ab");
  append(std::string(100, 'c'));
  disk_.remove(std::string(kPath) + "/appendonly.aof.manifest");
  JournalDirectory found(disk_, kPath, kName);
  const auto error = found.read();
  ASSERT_TRUE(error.has_value());
  EXPECT_NE(error->find("appendonly.aof.1.incr.aof"), std::string::npos) << *error;
  EXPECT_FALSE(found.create_detached_increment().ok());
}

TEST_P(JournalDirectoryTest, LeavesStrangersAlone) {
  create("ab");
  for (const char* name : {"notes.txt", "appendonly.aof.1.incr.aof.bak", "other.aof.9.incr.aof"}) {
    write_whole(disk_, std::string(kPath) + "/" + name, "mine");
  }
  ASSERT_EQ(directory_.clean_up(), std::nullopt);
  EXPECT_EQ(files_beside_the_manifest(disk_), 5u);
}

// Somebody has renamed files and corrected the manifest, but for the numbers.
TEST_P(JournalDirectoryTest, WhatTheManifestNamesIsNoLeftoverWhateverItsNumber) {
  ASSERT_EQ(disk_.make_directory(kPath), 0);
  write_whole(disk_, directory_.path_of("appendonly.aof.9.base.rdb"), "b");
  write_whole(disk_, directory_.path_of("appendonly.aof.2.incr.aof"), "i");
  write_whole(disk_, directory_.path_of("appendonly.aof.manifest"),
              "file appendonly.aof.9.base.rdb seq 1 type b\nfile appendonly.aof.2.incr.aof seq 1 type i\n");
  EXPECT_EQ(disk_.sync_directory(kPath), 0);
  go_on(disk_, "bi");
  ASSERT_EQ(directory_.read(), std::nullopt);
  const auto file = directory_.add_increment();
  ASSERT_TRUE(file.ok()) << file.error();
  disk_.close(file->fd);
  EXPECT_EQ(state_on(disk_), "biz");
}

}  // namespace
}  // namespace millrace::test
