// Rules of access, one by one. The error texts and the lines of users are those of redis-server 7.0.15; the order in
// which rules about commands are shown is that of 7.2.
#include "settings/acl_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "settings/acl_password.h"
#include "support/acl_catalog.h"

namespace millrace::settings {
namespace {

class AclRulesTest : public testing::Test {
 protected:
  // The line of a new user after these rules, or the error of the first that is wrong.
  std::string line(const std::vector<std::string_view>& rules) { return line_of(rules_, rules); }
  static std::string line_of(const AclRules& rules, const std::vector<std::string_view>& words) {
    AclUser user = rules.new_user("u");
    for (const std::string_view word : words) {
      const AclUser before = user;
      const auto error = rules.apply(user, word);
      if (!error) continue;
      EXPECT_EQ(acl_user_line(user), acl_user_line(before)) << word;
      return std::string(text_of(*error));
    }
    return acl_user_line(user);
  }
  std::string commands(const std::vector<std::string_view>& rules) {
    AclUser user = rules_.new_user("u");
    for (const std::string_view rule : rules) EXPECT_EQ(rules_.apply(user, rule), std::nullopt) << rule;
    return acl_commands_text(user.root());
  }

  const AclCatalog catalog_ = test::small_acl_catalog();
  const AclRules rules_{catalog_, {.sanitizing = AclSanitizing::kNotSaid}};
};

const std::string kUnknown = "Unknown command or category name in ACL";
const std::string kSyntax = "Syntax error";
const std::string kNoDigest =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

struct Case {
  std::vector<std::string_view> rules;
  std::string line;
};

TEST_F(AclRulesTest, WhatEachFormComesTo) {
  const std::string foo = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  const Case cases[] = {
      {{}, "user u off resetchannels -@all"},
      {{""}, "user u off resetchannels -@all"},
      {{"ON"}, "user u on resetchannels -@all"},
      {{"on", "off"}, "user u off resetchannels -@all"},
      {{"NOPASS"}, "user u off nopass resetchannels -@all"},
      {{"nopass", ">foo"}, "user u off #" + foo + " resetchannels -@all"},
      {{">foo", ">foo"}, "user u off #" + foo + " resetchannels -@all"},
      {{">foo", "nopass"}, "user u off nopass resetchannels -@all"},
      {{">foo", "<foo"}, "user u off resetchannels -@all"},
      {{">foo", "resetpass"}, "user u off resetchannels -@all"},
      {{"skip-sanitize-payload"}, "user u off skip-sanitize-payload resetchannels -@all"},
      {{"skip-sanitize-payload", "sanitize-payload"}, "user u off sanitize-payload resetchannels -@all"},
      {{"on", "~a", "+@all", "(+get)", "reset"}, "user u off sanitize-payload resetchannels -@all"},
      {{"~"}, "user u off ~ resetchannels -@all"},
      {{"~a", "~b"}, "user u off ~a ~b resetchannels -@all"},
      {{"%RW~*", "~b"}, "user u off %RW~* ~b resetchannels -@all"},
      {{"%R~a", "%W~b", "%RW~c", "%wr~d"}, "user u off %R~a %W~b ~c ~d resetchannels -@all"},
      {{"%R~a", "%W~a"}, "user u off ~a resetchannels -@all"},
      {{"%R"}, "user u off %R~ resetchannels -@all"},
      {{"~a", "~*"}, "user u off ~* resetchannels -@all"},
      {{"allkeys", "resetkeys", "~a"}, "user u off ~a resetchannels -@all"},
      {{"&a", "&b", "&a"}, "user u off resetchannels &a &b -@all"},
      {{"&*"}, "user u off &* -@all"},
      {{"allchannels", "resetchannels"}, "user u off resetchannels -@all"},
      {{"allCommands"}, "user u off resetchannels +@all"},
      {{"+@all", "nocommands"}, "user u off resetchannels -@all"},
      {{"+select|0"}, "user u off resetchannels -@all +select|0"},
      {{"()"}, "user u off resetchannels -@all (resetchannels -@all)"},
      {{"(  +get   +set )"}, "user u off resetchannels -@all (resetchannels -@all +get +set)"},
      {{"(~a &b +get)", "(%W~c)"},
       "user u off resetchannels -@all (~a resetchannels &b -@all +get) (%W~c resetchannels -@all)"},
      {{"(+get)", "clearselectors"}, "user u off resetchannels -@all"},
  };
  for (const auto& [rules, expected] : cases) EXPECT_EQ(line(rules), expected);
}

TEST_F(AclRulesTest, WhatIsWrong) {
  const std::string key_after_all =
      "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try "
      "'resetkeys' to start with an empty list of patterns";
  const std::string channel_after_all =
      "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try "
      "'resetchannels' to start with an empty list of channels";
  const std::string no_password = "The password you are trying to remove from the user does not exist";
  const Case cases[] = {
      {{"foo"}, kSyntax},
      {{"+foo"}, kUnknown},
      {{"+get|x|y"}, kUnknown},
      {{"+config|nope"}, kUnknown},
      {{"+config|"}, kSyntax},
      {{"-get|x"}, kUnknown},
      {{"+@foo"}, kUnknown},
      {{"%~"}, kSyntax},
      {{"%X~a"}, kSyntax},
      {{"%RR~c"}, kSyntax},
      {{"#zz"}, kNoDigest},
      {{"!zz"}, kNoDigest},
      {{"<nope"}, no_password},
      {{"(+get"}, kSyntax},
      {{"(foo)"}, kSyntax},
      {{"(on)"}, kSyntax},
      {{"(>p)"}, kSyntax},
      {{"(reset)"}, kSyntax},
      {{"(+get (+set))"}, kSyntax},
      {{"+"}, kUnknown},
      {{"-"}, kUnknown},
      {{"+|"}, kUnknown},
      {{"+get|"}, kSyntax},
      {{"+select|0|1"}, kUnknown},
      {{"-@"}, kUnknown},
      {{"+@"}, kUnknown},
      {{"-select|0"}, kUnknown},
      {{"~a b"}, kSyntax},
      {{"&a b"}, kSyntax},
      {{"+@all|x"}, kUnknown},
      {{")"}, kSyntax},
      {{"%"}, kSyntax},
      {{"~*", "~a"}, key_after_all},
      {{"&*", "&a"}, channel_after_all},
      {{"+config|get|x"}, "Allowing first-arg of a subcommand is not supported"},
      {{"(sanitize-payload)"}, kSyntax},
      // Redis takes these, and prints what it cannot read again.
      {{"+select|a b"}, kSyntax},
      {{"(~a) )"}, kSyntax},
      {{"(+get)(+set)"}, kUnknown},
  };
  for (const auto& [rules, expected] : cases) EXPECT_EQ(line(rules), expected) << rules.back();
}

TEST_F(AclRulesTest, RulesAboutCommandsKeepTheirOrderAndFallWhenTakenBack) {
  EXPECT_EQ(commands({"+@all", "-@read", "-@slow", "+get"}), "+@all -@read -@slow +get");
  EXPECT_EQ(commands({"+@all", "-@read", "-@slow", "+get", "-@read"}), "+@all -@slow +get -@read");
  EXPECT_EQ(commands({"+@all", "-@read", "+@READ"}), "+@all +@read");
  EXPECT_EQ(commands({"-@read", "-@slow", "+@all"}), "+@all");
  EXPECT_EQ(commands({"+GET", "+get", "+gEt"}), "-@all +get");
  EXPECT_EQ(commands({"+get", "-set", "+set", "-get"}), "-@all +set -get");
  EXPECT_EQ(commands({"+config|get", "+config", "+xinfo|stream", "-xinfo"}), "-@all +config -xinfo");
  EXPECT_EQ(commands({"+select|0", "+select|0", "+select|1", "+select"}), "-@all +select");
  EXPECT_EQ(commands({"-@admin"}), "-@all -@admin");
  EXPECT_EQ(commands({"+config", "-config|set", "+config"}), "-@all +config");
}

TEST_F(AclRulesTest, ACategoryTakesTheSubcommandsOfItsContainers) {
  AclUser user = rules_.new_user("u");
  rules_.apply(user, "+@slow");
  for (const uint32_t index : {3u, 4u, 5u, 9u, 10u, 11u}) EXPECT_TRUE(user.root().commands.contains(index)) << index;
  EXPECT_FALSE(user.root().commands.contains(0));
  rules_.apply(user, "-config|set");
  EXPECT_TRUE(user.root().commands.contains(3) && user.root().commands.contains(4));
  EXPECT_FALSE(user.root().commands.contains(5));
}

TEST_F(AclRulesTest, DefaultsAreThoseOfTheServer) {
  EXPECT_EQ(line_of({catalog_, {.all_channels = true}}, {}), "user u off sanitize-payload &* -@all");
  EXPECT_EQ(line_of({catalog_, {.all_channels = true}}, {"&a", "reset"}),
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
            "effect. Try 'resetchannels' to start with an empty list of channels");
  EXPECT_EQ(acl_user_line(rules_.open_default_user()), "user default on nopass ~* &* +@all");
  EXPECT_TRUE(rules_.open_default_user().is_unrestricted());
}

TEST_F(AclRulesTest, WhoMayDoAllIsUnrestricted) {
  const auto is_free = [&](const std::vector<std::string_view>& rules) {
    AclUser user = rules_.new_user("u");
    for (const std::string_view rule : rules) rules_.apply(user, rule);
    return user.is_unrestricted();
  };
  EXPECT_TRUE(is_free({"+@all", "~*", "&*"}));
  EXPECT_TRUE(is_free({"+@slow", "+@fast", "~*", "&*"}));
  EXPECT_TRUE(is_free({"(+@all ~* &*)"}));
  EXPECT_FALSE(is_free({"+@all", "~*"}));
  EXPECT_FALSE(is_free({"+@all", "~*", "&*", "-get"}));
  EXPECT_FALSE(is_free({"+@all", "~*", "(&* +@all)"}));
}

TEST(AclWords, SelectorsAreJoinedAcrossWords) {
  const auto joined = [](std::vector<std::string_view> words) { return join_selectors(words); };
  EXPECT_THAT(joined({"on", "(+get", "~a)", "off"}).rules, testing::ElementsAre("on", "(+get ~a)", "off"));
  EXPECT_THAT(joined({"(+get)", "(+set", "", "~b", ")"}).rules, testing::ElementsAre("(+get)", "(+set  ~b )"));
  EXPECT_EQ(joined({"on", "(+get", "~a"}).unmatched, 1u);
  EXPECT_EQ(joined({"(+get)x"}).unmatched, 0u);
  EXPECT_EQ(joined({"", ")", "+get"}).unmatched, std::nullopt);
}

TEST(AclPassword, AreKeptAsDigests) {
  const std::string digest = digest_of_password("foo");
  EXPECT_EQ(digest, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
  EXPECT_EQ(digest_of_password(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_TRUE(is_password_digest(digest));
  EXPECT_FALSE(is_password_digest(digest.substr(1)));
  EXPECT_FALSE(is_password_digest("A" + digest.substr(1)));
  const std::vector<std::string> digests = {digest_of_password("bar"), digest};
  EXPECT_TRUE(is_one_of(digests, "foo"));
  EXPECT_FALSE(is_one_of(digests, "Foo"));
  EXPECT_FALSE(is_one_of({}, ""));
}

}  // namespace
}  // namespace millrace::settings
