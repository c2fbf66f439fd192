// Values of every kind of directive, and that the table of directives holds together.
#include "settings/values.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "settings/directives.h"

namespace millrace::settings {
namespace {

struct Case {
  std::string_view name;
  std::string word;
  std::string shown;  // by CONFIG GET; empty with `error`
  std::string error;
};

std::string show(const Directive& directive, const Value& value) {
  return directive.member ? format_number(directive, value.number) : value.text;
}

// Texts as Redis 7.0.15 gives them.
const Case kCases[] = {
    {"timeout", "5", "5", ""},
    {"timeout", "abc", "", "argument couldn't be parsed into an integer"},
    {"timeout", "010", "", "argument couldn't be parsed into an integer"},
    {"timeout", "1kb", "", "argument couldn't be parsed into an integer"},
    {"timeout", "99999999999999999999", "", "argument couldn't be parsed into an integer"},
    {"timeout", "-1", "", "argument must be between 0 and 2147483647 inclusive"},
    {"maxclients", "0", "", "argument must be between 1 and 4294967295 inclusive"},
    {"protected-mode", "YES", "yes", ""},
    {"protected-mode", "maybe", "", "argument must be 'yes' or 'no'"},
    {"loglevel", "WARNING", "warning", ""},
    {"loglevel", "loud", "", "argument(s) must be one of the following: debug, verbose, notice, warning"},
    {"proto-max-bulk-len", "10mb", "10485760", ""},
    {"proto-max-bulk-len", "1", "", "argument must be between 1048576 and 9223372036854775807 inclusive"},
    {"proto-max-bulk-len", "1xx", "", "argument must be a memory value"},
    {"stream-node-max-bytes", "-1", "", "argument must be a memory value"},
    {"unixsocketperm", "700", "700", ""},
    {"unixsocketperm", "800", "", "argument couldn't be parsed as an octal number"},
    {"unixsocketperm", "", "", "argument couldn't be parsed as an octal number"},
    {"unixsocketperm", "1000", "", "argument must be between 0 and 777 inclusive"},
    {"cores", "auto", "auto", ""},
    {"cores", "4", "4", ""},
    {"cores", "0", "", "argument must be between 1 and 1024 inclusive"},
    {"io-backend", "epoll", "epoll", ""},
    {"compat-version", "7.0.15", "7.0.15", ""},
    {"compat-version", "7.2", "", "argument must be a version such as 7.2.4"},
    {"compat-version", "7.2.4.1", "", "argument must be a version such as 7.2.4"},
    {"compat-version", "7.256.1", "", "argument must be a version such as 7.2.4"},
    {"maxmemory-clients", "5%", "5%", ""},
    {"maxmemory-clients", "0%", "0", ""},
    {"maxmemory-clients", "1kb", "1024", ""},
    {"maxmemory-clients", "101%", "", "percentage argument must be less or equal to 100"},
    {"maxmemory-clients", "x", "", "argument must be a memory or percent value"},
    {"save", "3600 1 300 100", "3600 1 300 100", ""},
    {"save", "", "", ""},
    {"save", "1 2 3", "", "Invalid save parameters"},
    {"save", "0 1", "", "Invalid save parameters"},
    {"save", "abc", "", "Invalid save parameters"},
    {"notify-keyspace-events", "KEA", "AKE", ""},
    {"notify-keyspace-events", "xKg", "gxK", ""},
    {"notify-keyspace-events", "", "", ""},
    {"notify-keyspace-events", "nmdtexzhs$gEK", "g$shzxetdnKEm", ""},
    {"notify-keyspace-events", "nmdtexzhsl$gEK", "AKEm", ""},
    {"notify-keyspace-events", "KEn", "nKE", ""},
    {"notify-keyspace-events", "AKEmn", "AKEm", ""},
    {"notify-keyspace-events", "coxE", "xocE", ""},
    {"notify-keyspace-events", "xx", "x", ""},
    {"notify-keyspace-events", "Q", "", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
    {"oom-score-adj-values", "1 2", "", "wrong number of arguments"},
    {"shutdown-on-sigterm", "now nosave", "nosave now", ""},
    {"shutdown-on-sigterm", "foo", "", "argument(s) must be one of the following: default, save, nosave, now, force"},
    {"client-output-buffer-limit", "normal 1mb 2 3 pubsub 1 1 1",
     "normal 1048576 2 3 slave 268435456 67108864 60 pubsub 1 1 1", ""},
    {"client-output-buffer-limit", "normal 1 2", "", "Wrong number of arguments in buffer limit configuration."},
    {"client-output-buffer-limit", "foo 1 2 3", "", "Invalid client class specified in buffer limit configuration."},
    {"client-output-buffer-limit", "normal 1 2 x", "",
     "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
    {"bind", "127.0.0.1 -::1", "127.0.0.1 -::1", ""},
    {"logfile", "a b", "a b", ""},
};

TEST(Values, AreReadAsRedisReadsThem) {
  for (const Case& test : kCases) {
    const Directive* directive = find_directive(test.name);
    ASSERT_NE(directive, nullptr) << test.name;
    const std::string words[] = {test.word};
    const ParsedValue parsed = parse_value(*directive, words, directive->initial);
    EXPECT_EQ(parsed.error, test.error) << test.name << " " << test.word;
    if (parsed.ok()) {
      EXPECT_EQ(show(*directive, parsed.value), test.shown) << test.name << " " << test.word;
    }
  }
}

TEST(Values, NamesOfFilesAreNoPaths) {
  const auto parse = [](std::string_view name, const std::string& word) {
    const Directive* directive = find_directive(name);
    const std::string words[] = {word};
    const ParsedValue parsed = parse_value(*directive, words, directive->initial);
    return parsed.ok() ? parsed.value.text : parsed.error;
  };
  EXPECT_EQ(parse("appendfilename", "a.aof"), "a.aof");
  for (const std::string word : {"a/b", "a\\b", ".", "..", "/"}) {
    EXPECT_EQ(parse("appendfilename", word), "appendfilename can't be a path, just a filename") << word;
    EXPECT_EQ(parse("appenddirname", word), "appenddirname can't be a path, just a dirname") << word;
  }
  EXPECT_EQ(parse("appendfilename", ""), "appendfilename can't be empty");
  EXPECT_EQ(parse("appenddirname", ""), "appenddirname can't be empty");
  EXPECT_EQ(parse("dbfilename", ""), "");
}

TEST(Directives, NamesAreUniqueAndLowerCase) {
  std::set<std::string_view> names;
  for (const Directive& directive : directives()) {
    EXPECT_TRUE(names.insert(directive.name).second) << directive.name;
    if (!directive.alias.empty()) {
      EXPECT_TRUE(names.insert(directive.alias).second) << directive.alias;
    }
  }
  for (const std::string_view name : names) {
    EXPECT_EQ(name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ "), std::string_view::npos) << name;
  }
}

TEST(Directives, EveryDefaultIsAValidValueInItsCanonicalSpelling) {
  for (const Directive& directive : directives()) {
    if (!is_value(directive)) continue;
    const std::string words[] = {std::string(directive.initial)};
    const ParsedValue parsed = parse_value(directive, words, directive.initial);
    EXPECT_EQ(parsed.error, "") << directive.name;
    if (parsed.ok()) {
      EXPECT_EQ(show(directive, parsed.value), directive.initial) << directive.name;
    }
  }
}

TEST(Directives, WhatPromisesTooMuchSaysWhatIsMissing) {
  for (const Directive& directive : directives()) {
    EXPECT_EQ(directive.reason.empty(), directive.effect != Effect::kRefused) << directive.name;
  }
}

TEST(Settings, StartWithTheDefaultsOfTheTable) {
  const Settings settings;
  for (const Directive& directive : directives()) {
    if (is_value(directive)) {
      EXPECT_EQ(settings.text(directive), directive.initial) << directive.name;
    }
  }
  EXPECT_EQ(settings.compat_version(), 0x00070204u);
  EXPECT_EQ(settings.bind(), (std::vector<std::string>{"*", "-::*"}));
}

}  // namespace
}  // namespace millrace::settings
