// What COMMAND says about every command that both servers have: INFO, the arguments of DOCS, and GETKEYS.
//
// Both descriptions are flattened to "path = value" lines, and the lines compared. Differences that come from versions
// after 7.0 are named in kNewerThanRedis70; a row that no longer explains anything fails the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "reply_tree.h"
#include "server_pair.h"

namespace millrace::test {
namespace {

using Lines = std::map<std::string, std::string>;

struct Newer {
  std::string_view path;  // everything at or below it may differ
  std::string_view why;
};

constexpr Newer kNewerThanRedis70[] = {
    {"client|kill arguments.filter.new-format.maxage", "7.4"},
    {"xadd arguments.condition", "8.2: what becomes of references to entries"},
    {"xadd arguments.idmp", "8.6"},
    {"xread arguments.maxcount", "8.10"},
    {"xread arguments.maxsize", "8.10"},
    {"xread.keyspecs.0.flags", "8.10: incomplete, as a value may be the word STREAMS"},
    {"xreadgroup arguments.maxcount", "8.10"},
    {"xreadgroup arguments.maxsize", "8.10"},
    {"xreadgroup arguments.min-idle-time", "8.4: CLAIM"},
    {"xreadgroup.keyspecs.0.flags", "8.10: incomplete"},
    {"xtrim arguments.trim.condition", "8.2"},
};

std::string joined(const Reply& list) {
  std::vector<std::string> words;
  for (const Reply& element : list.elements) words.push_back(element.text);
  std::sort(words.begin(), words.end());
  std::string out;
  for (const std::string& word : words) out += word + " ";
  return out;
}

void flatten(const std::string& path, const Reply& reply, Lines* lines) {
  const bool has_words = reply.elements.empty() || !reply.elements.front().is_aggregate();
  if (reply.type == '~' && has_words) {
    (*lines)[path] = joined(reply);
  } else if (reply.is_map()) {
    for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
      if (reply.elements[i].text == "notes") continue;  // prose
      flatten(path + "." + reply.elements[i].text, reply.elements[i + 1], lines);
    }
  } else if (reply.is_aggregate()) {
    for (size_t i = 0; i < reply.elements.size(); i++) {
      flatten(path + "." + std::to_string(i), reply.elements[i], lines);
    }
  } else {
    (*lines)[path] = reply.text;
  }
}

void flatten_info(const Reply& info, Lines* lines) {
  constexpr const char* kParts[] = {"name", "arity", "flags", "first", "last", "step", "acl", "tips", "keyspecs"};
  const std::string path = info.elements[0].text;
  for (size_t i = 1; i < std::size(kParts); i++) flatten(path + "." + kParts[i], info.elements[i], lines);
}

void flatten_arguments(const std::string& path, const Reply& arguments, Lines* lines) {
  for (const Reply& argument : arguments.elements) {
    const std::string here = path + "." + find_field(argument, "name")->text;
    for (size_t i = 0; i + 1 < argument.elements.size(); i += 2) {
      const std::string& field = argument.elements[i].text;
      const Reply& value = argument.elements[i + 1];
      if (field == "arguments") {
        flatten_arguments(here, value, lines);
      } else if (field != "name" && field != "since" && field != "display_text") {
        flatten(here + ":" + field, value, lines);
      }
    }
  }
}

bool explained(const std::string& path, std::set<std::string_view>* used) {
  for (const Newer& row : kNewerThanRedis70) {
    if (!path.starts_with(row.path)) continue;
    used->insert(row.path);
    return true;
  }
  return false;
}

class CommandDocs : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    connections_.emplace(servers_->connect());
    connections_->command({"HELLO", "3"});
    const ReplyPair lists = connections_->command({"COMMAND", "LIST"});
    const std::set<std::string> redis = names(lists.redis);
    for (const std::string& name : names(lists.millrace)) {
      if (redis.count(name) > 0) commands_.push_back(name);
    }
    ASSERT_GT(commands_.size(), 60u);
  }

  static std::set<std::string> names(const std::string& raw) {
    std::set<std::string> found;
    for (const Reply& name : parse_reply(raw).elements) found.insert(name.text);
    return found;
  }

  void expect_same(const Lines& redis, const Lines& millrace) {
    Lines all = redis;
    all.insert(millrace.begin(), millrace.end());
    for (const auto& [path, unused] : all) {
      const auto left = redis.find(path);
      const auto right = millrace.find(path);
      const std::string here = left == redis.end() ? "(missing)" : left->second;
      const std::string there = right == millrace.end() ? "(missing)" : right->second;
      if (here != there && !explained(path, &used_)) {
        ADD_FAILURE() << path << ": redis " << here << " | millrace " << there;
      }
    }
  }

  void expect_same_reply(const std::string& subcommand, Words words) {
    words.insert(words.begin(), {"COMMAND", subcommand});
    const ReplyPair pair = connections_->command(words);
    EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace)) << readable_words(words);
  }

  std::unique_ptr<ServerPair> servers_;
  std::optional<ConnectionPair> connections_;
  std::vector<std::string> commands_;
  std::set<std::string_view> used_;
};

TEST_F(CommandDocs, InfoAndArgumentsAreTheSame) {
  Lines redis;
  Lines millrace;
  for (const std::string& name : commands_) {
    const ReplyPair info = connections_->command({"COMMAND", "INFO", name});
    flatten_info(parse_reply(info.redis).elements[0], &redis);
    flatten_info(parse_reply(info.millrace).elements[0], &millrace);
    const ReplyPair docs = connections_->command({"COMMAND", "DOCS", name});
    for (const auto& [raw, lines] : {std::pair{&docs.redis, &redis}, std::pair{&docs.millrace, &millrace}}) {
      const Reply reply = parse_reply(*raw);
      ASSERT_EQ(reply.elements.size(), 2u) << name;
      if (const Reply* arguments = find_field(reply.elements[1], "arguments")) {
        flatten_arguments(name + " arguments", *arguments, lines);
      }
    }
  }
  expect_same(redis, millrace);
  for (const Newer& row : kNewerThanRedis70) EXPECT_EQ(used_.count(row.path), 1u) << row.path << ": no longer needed?";
}

TEST_F(CommandDocs, KeysAreFoundInTheSamePlaces) {
  const std::vector<Words> commands = {
      {"XADD", "k", "MAXLEN", "~", "5", "*", "f", "v"},
      {"XGROUP", "CREATE", "k", "g", "$"},
      {"XINFO", "STREAM", "k"},
      {"XCLAIM", "k", "g", "c", "0", "1-1"},
      {"XDEL", "k", "1-1"},
      {"DEL", "a", "b", "c"},
      {"SET", "k", "v", "EX", "5"},
      {"GET", "k"},
      {"GETEX", "k", "PERSIST"},
      {"MGET", "a", "b"},
      {"MSET", "a", "1", "b", "2"},
      {"MSETNX", "a", "1", "b"},
      {"LCS", "a", "b", "LEN"},
      {"RENAME", "a", "b"},
      {"COPY", "a", "b", "DB", "1"},
      {"OBJECT", "ENCODING", "k"},
      {"MEMORY", "USAGE", "k"},
      {"PING"},
      {"PING", "x"},
      {"XADD", "k"},
      {"NOSUCH", "k"},
      {"XGROUP", "HELP"},
  };
  for (const Words& words : commands) {
    expect_same_reply("GETKEYS", words);
    expect_same_reply("GETKEYSANDFLAGS", words);
  }
}

// Their flags got "incomplete" in 8.10.
TEST_F(CommandDocs, KeysOfReadsAreFoundInTheSamePlaces) {
  const std::vector<Words> commands = {
      {"XREAD", "COUNT", "1", "BLOCK", "0", "STREAMS", "a", "b", "0", "$"},
      {"XREAD", "STREAMS", "a", "0"},
      {"XREAD", "STREAMS", "a"},
      {"XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "a", "b", "c", ">", ">", ">"},
  };
  for (const Words& words : commands) expect_same_reply("GETKEYS", words);
}

TEST_F(CommandDocs, HelpBeginsTheSame) {
  for (const char* command : {"XGROUP", "XINFO", "OBJECT", "CLIENT", "CONFIG", "COMMAND", "MEMORY"}) {
    const ReplyPair pair = connections_->command({command, "HELP"});
    const Reply redis = parse_reply(pair.redis);
    const Reply millrace = parse_reply(pair.millrace);
    ASSERT_FALSE(redis.elements.empty() || millrace.elements.empty()) << command;
    EXPECT_EQ(redis.elements.front().type, millrace.elements.front().type);
    EXPECT_EQ(redis.elements.front().text, millrace.elements.front().text);
  }
}

}  // namespace
}  // namespace millrace::test
