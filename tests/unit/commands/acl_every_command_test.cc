// Every row of the command table has a call that is allowed and one that is denied, for each thing a rule can be about:
// the command, its categories, its keys, its channels, and not having logged in. The calls are made from the row; one
// that no call with keys can be made for has to be added to kCalls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::EndsWith;
using testing::IsEmpty;
using testing::StartsWith;

using Call = std::vector<std::string_view>;

// Where the keys stand behind a word.
const std::map<std::string_view, Call> kCalls = {
    {"xread", {"xread", "streams", "k", "0"}},
    {"xreadgroup", {"xreadgroup", "group", "streams", "streams", "streams", "k", ">"}},
    {"memory|usage", {"memory", "usage", "k"}},
};

class AclEveryCommand : public testing::Test, protected CommandStage {
 protected:
  // A call with as few words as possible whose keys can be found.
  Call call_of(const CommandSpec& spec) const {
    if (const auto place = kCalls.find(spec.full_name); place != kCalls.end()) return place->second;
    Call call;
    if (spec.parent != nullptr) call.push_back(spec.parent->name);
    call.push_back(spec.name);
    while (call.size() < static_cast<size_t>(std::abs(spec.arity))) call.emplace_back("1");
    std::vector<KeyAt> keys;
    while (!spec.keys.empty() && (!find_keys_at(spec, call, keys) || keys.empty())) {
      call.emplace_back("1");
      if (call.size() > 10) return {};
    }
    if (spec.channels != Channels::kNone && call.size() < 2) call.emplace_back("1");
    return call;
  }

  // What the user "u" with these rules, and nothing else, is told of the call: "" if it may.
  std::string denial(const std::string& rules, const CommandSpec& spec, const Call& call) {
    EXPECT_EQ(run("ACL SETUSER u reset " + rules), "+OK\r\n") << rules;
    const Ref<const User> user = server.users.find("u");
    return permissions.dry_run(*user, spec, call);
  }

  template <typename Check>
  void for_every_command(const Check& check) {
    for (uint32_t index = 0; index < table.count(); ++index) {
      const CommandSpec& spec = table.by_index(index);
      if (spec.handler == nullptr) continue;
      SCOPED_TRACE(spec.full_name);
      const Call call = call_of(spec);
      ASSERT_THAT(call, testing::Not(IsEmpty())) << "no call with keys found: add one to kCalls";
      check(spec, call);
    }
  }

  static bool is_for_everyone(const CommandSpec& spec) { return (spec.flags & kNoAuth) != 0; }
  std::vector<KeyAt> keys_of(const CommandSpec& spec, const Call& call) const {
    std::vector<KeyAt> keys;
    EXPECT_TRUE(find_keys_at(spec, call, keys));
    std::erase_if(keys, [](const KeyAt& key) { return key.spec->flags == "not_key"; });
    return keys;
  }

  Permissions permissions{server};
};

TEST_F(AclEveryCommand, IsAllowedAndDeniedByName) {
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    EXPECT_EQ(denial("~* &* -@all +" + spec.full_name, spec, call), "");
    const std::string none = denial("~* &* -@all", spec, call);
    const std::string all_but = denial("~* &* +@all -" + spec.full_name, spec, call);
    const std::string expected =
        is_for_everyone(spec) ? "" : "User u has no permissions to run the '" + spec.full_name + "' command";
    EXPECT_EQ(none, expected);
    EXPECT_EQ(all_but, expected);
  });
}

TEST_F(AclEveryCommand, IsAllowedAndDeniedByEachOfItsCategories) {
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    ASSERT_THAT(acl_categories(spec), testing::Not(IsEmpty()));
    for (const std::string_view category : acl_categories(spec)) {
      EXPECT_EQ(denial("~* &* -@all +@" + std::string(category), spec, call), "");
      if (is_for_everyone(spec)) continue;
      EXPECT_THAT(denial("~* &* +@all -@" + std::string(category), spec, call), EndsWith("' command"));
    }
  });
}

TEST_F(AclEveryCommand, IsAllowedAndDeniedByItsKeys) {
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    const std::vector<KeyAt> keys = keys_of(spec, call);
    EXPECT_EQ(keys.empty(), spec.keys.empty() || spec.keys[0].flags == "not_key");
    if (keys.empty()) {
      EXPECT_EQ(denial("+@all &*", spec, call), "");
      return;
    }
    bool reads = false;
    bool writes = false;
    for (const KeyAt& key : keys) {
      const std::string_view flags = key.flags;
      reads = reads || flags.find("access") != std::string_view::npos;
      for (const std::string_view word : {"insert", "update", "delete"}) {
        writes = writes || flags.find(word) != std::string_view::npos;
      }
    }
    const std::string key(call[keys[0].position]);
    const std::string denied = "User u has no permissions to access the '" + key + "' key";
    EXPECT_EQ(denial("+@all &*", spec, call), denied);
    EXPECT_EQ(denial("+@all &* ~other*", spec, call), denied);
    EXPECT_EQ(denial("+@all &* ~" + key, spec, call), "");
    EXPECT_EQ(denial("+@all &* %R~" + key, spec, call).empty(), !writes);
    EXPECT_EQ(denial("+@all &* %W~" + key, spec, call).empty(), !reads);
  });
}

TEST_F(AclEveryCommand, IsAllowedAndDeniedByItsChannels) {
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    if (spec.channels == Channels::kNone) {
      EXPECT_EQ(denial("+@all ~*", spec, call), "");
      return;
    }
    const std::string channel(call[1]);
    const std::string denied = "User u has no permissions to access the '" + channel + "' channel";
    EXPECT_EQ(denial("+@all ~*", spec, call), denied);
    EXPECT_EQ(denial("+@all ~* &" + channel, spec, call), "");
    EXPECT_EQ(denial("+@all ~* &" + channel + "*", spec, call), spec.channels == Channels::kPatterns ? denied : "");
  });
}

TEST_F(AclEveryCommand, NeedsALoginUnlessItIsOne) {
  run("CONFIG SET requirepass secret");
  const Ref<Client> stranger = connect("127.0.0.1:50001");
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    const std::string refusal = permissions.refusal(*stranger, spec, call, AclContext::kTopLevel, now);
    EXPECT_EQ(refusal, is_for_everyone(spec) ? "" : "-NOAUTH Authentication required.");
  });
}

// The gate stands before the handler: nothing of a denied command is executed.
TEST_F(AclEveryCommand, IsNotExecutedWhenItIsDenied) {
  run("ACL SETUSER u on nopass");
  const Ref<Client> nobody = connect("127.0.0.1:50001");
  EXPECT_EQ(run(*nobody, "AUTH u x"), "+OK\r\n");
  for_every_command([&](const CommandSpec& spec, const Call& call) {
    if (is_for_everyone(spec)) return;
    // A refused EXEC ends its transaction, and says so.
    const std::string start = spec.name == "exec" ? "-EXECABORT Transaction discarded because of: " : "-";
    EXPECT_THAT(run_args(*nobody, call), StartsWith(start + "NOPERM User u has no permissions to run the '"))
        << spec.name;
    EXPECT_EQ(server.statistics[0]->commands[spec.index].calls.get(), spec.full_name == "acl|setuser" ? 1u : 0u);
    EXPECT_EQ(server.statistics[0]->commands[spec.index].rejected.get(), 1u);
  });
}

}  // namespace
}  // namespace millrace::commands
