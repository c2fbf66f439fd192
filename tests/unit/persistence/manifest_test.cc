// Manifests as redis-server 7.0.15 writes, reads and refuses them.
#include "persistence/manifest.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace millrace::persistence {
namespace {

constexpr std::string_view kName = "appendonly.aof";

Manifest parsed(std::string_view text) {
  auto manifest = Manifest::parse(text);
  EXPECT_TRUE(manifest.ok()) << text;
  return manifest.ok() ? *manifest : Manifest();
}

std::string refusal(std::string_view text) {
  const auto manifest = Manifest::parse(text);
  return manifest.ok() ? "taken" : describe(manifest.error());
}

// Written by redis-server 7.0.15 after three rewrites with aof-disable-auto-gc.
TEST(Manifest, OneOfRedissIsReadAndWrittenAsItIs) {
  constexpr std::string_view kText =
      "file appendonly.aof.4.base.rdb seq 4 type b\n"
      "file appendonly.aof.3.incr.aof seq 3 type h\n"
      "file appendonly.aof.3.base.rdb seq 3 type h\n"
      "file appendonly.aof.2.incr.aof seq 2 type h\n"
      "file appendonly.aof.2.base.rdb seq 2 type h\n"
      "file appendonly.aof.1.incr.aof seq 1 type h\n"
      "file appendonly.aof.1.base.rdb seq 1 type h\n"
      "file appendonly.aof.4.incr.aof seq 4 type i\n";
  const Manifest manifest = parsed(kText);
  EXPECT_EQ(manifest.base(), (ManifestFile{"appendonly.aof.4.base.rdb", 4}));
  EXPECT_EQ(manifest.history().size(), 6u);
  EXPECT_EQ(manifest.incrs(), (std::vector<ManifestFile>{{"appendonly.aof.4.incr.aof", 4}}));
  EXPECT_EQ(manifest.format(), kText);
}

TEST(Manifest, RewritesMakeTheSameLinesAsRediss) {
  Manifest manifest;
  manifest.set_base(manifest.next_base(kName, true));
  manifest.add_incr(manifest.next_incr(kName));
  EXPECT_EQ(manifest.format(),
            "file appendonly.aof.1.base.rdb seq 1 type b\n"
            "file appendonly.aof.1.incr.aof seq 1 type i\n");
  for (int round = 0; round < 2; ++round) {
    manifest.add_incr(manifest.next_incr(kName));
    manifest.set_base(manifest.next_base(kName, true));
    manifest.retire_incrs(1);
  }
  EXPECT_EQ(manifest.format(),
            "file appendonly.aof.3.base.rdb seq 3 type b\n"
            "file appendonly.aof.2.incr.aof seq 2 type h\n"
            "file appendonly.aof.2.base.rdb seq 2 type h\n"
            "file appendonly.aof.1.incr.aof seq 1 type h\n"
            "file appendonly.aof.1.base.rdb seq 1 type h\n"
            "file appendonly.aof.3.incr.aof seq 3 type i\n");
  EXPECT_EQ(parsed(manifest.format()).format(), manifest.format());
  manifest.clear_history();
  EXPECT_EQ(manifest.format(),
            "file appendonly.aof.3.base.rdb seq 3 type b\n"
            "file appendonly.aof.3.incr.aof seq 3 type i\n");
}

TEST(Manifest, SeveralIncrsRetireInTheirOrder) {
  Manifest manifest = parsed("file a seq 1 type i\nfile b seq 2 type i\nfile c seq 5 type i\n");
  manifest.retire_incrs(3);
  EXPECT_TRUE(manifest.history().empty());
  manifest.retire_incrs(1);
  EXPECT_EQ(manifest.format(), "file a seq 1 type h\nfile b seq 2 type h\nfile c seq 5 type i\n");
  manifest.retire_incrs(0);
  EXPECT_EQ(manifest.history().front().name, "c");
  EXPECT_EQ(manifest.next_incr(kName), (ManifestFile{"appendonly.aof.6.incr.aof", 6}));
}

TEST(Manifest, NamesFollowAppendfilename) {
  const Manifest manifest = parsed("file x seq 7 type b\nfile y seq 9 type i\n");
  EXPECT_EQ(manifest.next_base(kName, true), (ManifestFile{"appendonly.aof.8.base.rdb", 8}));
  EXPECT_EQ(manifest.next_base("log", false), (ManifestFile{"log.8.base.aof", 8}));
  EXPECT_EQ(manifest.next_incr("log"), (ManifestFile{"log.10.incr.aof", 10}));
  EXPECT_EQ(manifest_name(kName), "appendonly.aof.manifest");
  EXPECT_EQ(temporary_name(manifest_name(kName)), "temp-appendonly.aof.manifest");
}

TEST(Manifest, AFileThatIsAboutToBeRemovedIsNotNamedAgain) {
  const Manifest manifest = parsed("file log.1.base.rdb seq 1 type h\nfile log.2.base.rdb seq 2 type h\n");
  EXPECT_EQ(manifest.next_base("log", true), (ManifestFile{"log.3.base.rdb", 3}));
}

TEST(Manifest, AFileThatIsInUseIsNotNamedAgainWhateverItsNumber) {
  const Manifest manifest = parsed("file log.2.base.rdb seq 1 type b\nfile log.8.incr.aof seq 7 type i\n");
  EXPECT_EQ(manifest.next_base("log", true), (ManifestFile{"log.3.base.rdb", 3}));
  EXPECT_EQ(manifest.next_incr("log"), (ManifestFile{"log.9.incr.aof", 9}));
}

// What is history is removed.
TEST(Manifest, NoFileIsNamedTwice) {
  constexpr char kTwice[] = "Found a file that is named twice";
  EXPECT_EQ(refusal("file a seq 1 type b\nfile a seq 1 type h\n"), kTwice);
  EXPECT_EQ(refusal("file a seq 1 type h\nfile a seq 1 type i\n"), kTwice);
  EXPECT_EQ(refusal("file a seq 1 type i\nfile a seq 2 type i\n"), kTwice);
}

TEST(Manifest, NamesAreQuotedWhereRedisQuotesThem) {
  const Manifest manifest = parsed("file \"two words\\x01\" seq 1 type i\nfile 'it\\'s' seq 2 type i\n");
  EXPECT_EQ(manifest.incrs()[0].name, "two words\x01");
  EXPECT_EQ(manifest.incrs()[1].name, "it's");
  EXPECT_EQ(parsed(manifest.format()).incrs(), manifest.incrs());
  EXPECT_TRUE(manifest.format().starts_with("file \"two words\\x01\" seq 1 type i\n"));
}

TEST(Manifest, LinesMayHaveCommentsOtherKeysAndBlanks) {
  const Manifest manifest = parsed("# comment\n \tFILE a SEQ 1 TYPE ix extra 1 \r\n#\nseq 2 type i file b\n");
  EXPECT_EQ(manifest.incrs(), (std::vector<ManifestFile>{{"a", 1}, {"b", 2}}));
}

TEST(Manifest, WhatIsWrongIsSaidInRedissWords) {
  const std::string long_line = "file " + std::string(1008, 'a') + " seq 1 type i\n";
  const struct {
    std::string text;
    std::string refusal;
  } kCases[] = {
      {"", "Found an empty AOF manifest"},
      {"# nothing\n", "Found an empty AOF manifest"},
      {"\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1 type i", "at line 1: The AOF manifest file contains too long line"},
      {"file a seq 1 type i foo\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1 file b\n", "at line 1: Invalid AOF manifest file format"},
      {"file \"a seq 1 type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file \"\" seq 1 type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1 type \"\"\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 0 type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq -1 type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1x type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 9223372036854775807 type i\n", "at line 1: Invalid AOF manifest file format"},
      {"file a seq 1 type b\nfile b seq 2 type b\n", "at line 2: Found duplicate base file information"},
      {"file a seq 2 type i\nfile b seq 2 type i\n", "at line 2: Found a non-monotonic sequence number"},
      {"# x\nfile a seq 1 type z\n", "at line 2: Unknown AOF file type"},
      {"file ../a seq 1 type i\n", "at line 1: File can't be a path, just a filename"},
      {"file \"a\\\\b\" seq 1 type i\n", "at line 1: File can't be a path, just a filename"},
      {"file .. seq 1 type i\n", "at line 1: File can't be a path, just a filename"},
      {"file \"a\\x00b\" seq 1 type i\n", "at line 1: File can't be a path, just a filename"},
      {"file a seq 1 type b\n" + long_line, "at line 2: The AOF manifest file contains too long line"},
  };
  for (const auto& bad : kCases) EXPECT_EQ(refusal(bad.text), bad.refusal) << bad.text;
}

TEST(Manifest, ALineMayHave1024Bytes) {
  const std::string rest = " seq 1 type i\n";
  const std::string name(1024 - 5 - rest.size(), 'a');
  EXPECT_EQ(parsed("file " + name + rest).incrs()[0].name, name);
  EXPECT_NE(refusal("file a" + name + rest), "taken");
}

}  // namespace
}  // namespace millrace::persistence
