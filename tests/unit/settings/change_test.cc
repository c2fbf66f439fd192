// CONFIG GET and CONFIG SET: patterns, aliases, all or nothing.
#include "settings/change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "settings/directives.h"

namespace millrace::settings {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ChangeTest : public testing::Test {
 protected:
  // The error, or "" for OK.
  std::string set(const std::vector<std::string_view>& words) { return set_all(settings_, words).value_or(""); }
  auto get(const std::vector<std::string_view>& patterns) { return get_matching(settings_, patterns); }

  Settings settings_;
};

TEST_F(ChangeTest, GetByNamePatternAndCase) {
  EXPECT_THAT(get({"port"}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(get({"PORT"}), ElementsAre(Pair("PORT", "6379")));
  EXPECT_THAT(get({"PoR*"}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(get({"port", "p?rt", "port"}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(get({"nosuch", "user", "include"}), IsEmpty());
  EXPECT_THAT(get({"slave-read-only"}), ElementsAre(Pair("slave-read-only", "yes")));
  EXPECT_THAT(get({"save", "appendonly"}),
              testing::UnorderedElementsAre(Pair("save", "3600 1 300 100 60 10000"), Pair("appendonly", "no")));
}

TEST_F(ChangeTest, StarShowsEveryValueAndEveryAlias) {
  size_t expected = 0;
  for (const Directive& directive : directives()) {
    if (is_value(directive)) expected += directive.alias.empty() ? 1 : 2;
  }
  EXPECT_EQ(get({"*"}).size(), expected);
  EXPECT_GT(expected, 190u);
}

TEST_F(ChangeTest, SetsSeveral) {
  EXPECT_EQ(set({"timeout", "5", "MaxClients", "77", "client-output-buffer-limit", "normal 1mb 2kb 3"}), "");
  EXPECT_EQ(settings_.timeout_s, 5);
  EXPECT_EQ(settings_.maxclients, 77);
  EXPECT_EQ(settings_.normal_output_hard_bytes, 1024 * 1024);
  EXPECT_EQ(settings_.normal_output_soft_s, 3);
}

TEST_F(ChangeTest, AllOrNothing) {
  EXPECT_EQ(set({"timeout", "5", "protected-mode", "maybe"}),
            "CONFIG SET failed (possibly related to argument 'protected-mode') - argument must be 'yes' or 'no'");
  EXPECT_EQ(settings_.timeout_s, 0);
  EXPECT_EQ(set({"timeout", "abc", "nosuch", "3"}), "Unknown option or number of arguments for CONFIG SET - 'nosuch'");
}

TEST_F(ChangeTest, Refusals) {
  EXPECT_EQ(set({"databases", "4"}),
            "CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config");
  EXPECT_EQ(set({"timeout", "1", "TIMEOUT", "2"}),
            "CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter");
  EXPECT_EQ(set({"Timeout", "-1"}),
            "CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 "
            "inclusive");
  EXPECT_EQ(set({"client-output-buffer-limit", "normal 0 0 9223372037"}),  // would not fit in nanoseconds
            "CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in hard, soft or "
            "soft_seconds setting in buffer limit configuration.");
  EXPECT_EQ(set({"user", "x"}), "Unknown option or number of arguments for CONFIG SET - 'user'");
  EXPECT_EQ(set({"slave-read-only", "yes", "replica-read-only", "no"}), "");
}

TEST_F(ChangeTest, PromisesAreRefusedUnlessTheyPromiseNothing) {
  EXPECT_EQ(set({"tls-port", "0", "maxmemory-policy", "noeviction", "save", ""}), "");
  EXPECT_EQ(set({"tls-port", "6380"}),
            "CONFIG SET failed (possibly related to argument 'tls-port') - TLS is not supported yet");
  EXPECT_NE(set({"maxmemory-policy", "allkeys-lru"}), "");
  EXPECT_EQ(settings_.text("maxmemory-policy"), "noeviction");
}

TEST_F(ChangeTest, TheJournalsDirectives) {
  EXPECT_EQ(settings_.append_fsync(), AppendFsync::kEverysec);
  EXPECT_EQ(set({"appendonly", "yes", "appendfsync", "ALWAYS", "auto-aof-rewrite-min-size", "1kb"}), "");
  EXPECT_EQ(settings_.appendonly, 1);
  EXPECT_EQ(settings_.append_fsync(), AppendFsync::kAlways);
  EXPECT_EQ(settings_.auto_aof_rewrite_min_size_bytes, 1024);
  EXPECT_EQ(set({"appendfsync", "no"}), "");
  EXPECT_EQ(settings_.append_fsync(), AppendFsync::kNo);
  EXPECT_EQ(set({"appendfsync", "sometimes"}),
            "CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the "
            "following: everysec, always, no");
  EXPECT_EQ(set({"appendfilename", "x"}),
            "CONFIG SET failed (possibly related to argument 'appendfilename') - can't set immutable config");
  EXPECT_EQ(settings_.journal_directory(), "./appendonlydir");
}

TEST_F(ChangeTest, TheDirectoryIsRelativeToTheOneBefore) {
  const ResolvePath resolve = [](const std::string& path) -> std::string {
    if (path == "./") return "/data";
    return path == ".//../logs" ? "/logs" : path;
  };
  const ChangeRules rules{.may_set_protected = true, .refuse = {}, .resolve = resolve};
  const std::string_view name[] = {"dir"};
  EXPECT_THAT(get_matching(settings_, name, resolve), ElementsAre(Pair("dir", "/data")));
  EXPECT_EQ(settings_.text("dir"), "./");
  const auto change = [&](std::string_view path) {
    const std::string_view words[] = {"dir", path};
    EXPECT_EQ(set_all(settings_, words, rules).value_or(""), "");
    return settings_.text("dir");
  };
  EXPECT_EQ(change("../logs"), "/logs");
  EXPECT_EQ(change("today"), "/logs/today");
  EXPECT_EQ(change("/elsewhere"), "/elsewhere");
  EXPECT_EQ(settings_.snapshot_path(), "/elsewhere/dump.rdb");
}

TEST_F(ChangeTest, WhereFilesGoIsProtected) {
  EXPECT_EQ(set({"dbfilename", "other.rdb"}),
            "CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config");
  const ChangeRules rules{.may_set_protected = true, .refuse = [](std::string_view name, std::string_view value) {
                            return name == "dir" && value == "/nowhere" ? std::string("No such file or directory")
                                                                        : std::string();
                          }};
  const auto set_with_rules = [&](const std::vector<std::string_view>& words) {
    return set_all(settings_, words, rules).value_or("");
  };
  EXPECT_EQ(
      set_with_rules({"dbfilename", "a/b.rdb"}),
      "CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename can't be a path, just a filename");
  EXPECT_EQ(set_with_rules({"dbfilename", "b.rdb", "dir", "/nowhere"}),
            "CONFIG SET failed (possibly related to argument 'dir') - No such file or directory");
  EXPECT_EQ(settings_.snapshot_path(), "./dump.rdb");
  EXPECT_EQ(set_with_rules({"dbfilename", "b.rdb", "dir", "/data"}), "");
  EXPECT_EQ(settings_.snapshot_path(), "/data/b.rdb");
}

TEST_F(ChangeTest, SavePointsArePairs) {
  EXPECT_EQ(set({"save", "900 1 300 10"}), "");
  ASSERT_EQ(settings_.save_points().size(), 2u);
  EXPECT_EQ(settings_.save_points()[1].seconds, 300);
  EXPECT_EQ(settings_.save_points()[1].changes, 10);
  EXPECT_EQ(set({"save", ""}), "");
  EXPECT_TRUE(settings_.save_points().empty());
}

}  // namespace
}  // namespace millrace::settings
