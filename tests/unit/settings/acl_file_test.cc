// ACL files and the "user" lines of redis.conf. Texts are those of redis-server 7.0.15.
#include "settings/acl_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/split_args.h"
#include "support/acl_catalog.h"

namespace millrace::settings {
namespace {

const std::string kWarning = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

class AclFileTest : public testing::Test {
 protected:
  AclFileContent read(std::string_view text) const { return read_acl_file(text, "users.acl", rules_); }
  std::string errors(std::string_view text) const { return read(text).errors; }
  static std::string lines(const AclUsers& users) {
    std::string text;
    for (const auto& [name, user] : users) text += acl_user_line(user) + "\n";
    return text;
  }

  const AclCatalog catalog_ = test::small_acl_catalog();
  const AclRules rules_{catalog_, {.sanitizing = AclSanitizing::kNotSaid}};
};

TEST_F(AclFileTest, OneUserALine) {
  const AclFileContent content = read("user b on  +get\r\n\n  user a (+get ~a) nopass\nuser default\n");
  EXPECT_EQ(content.errors, "");
  EXPECT_EQ(lines(content.users),
            "user a off nopass resetchannels -@all (~a resetchannels -@all +get)\n"
            "user b on resetchannels -@all +get\n"
            "user default off resetchannels -@all\n");
  EXPECT_EQ(lines(read(lines(content.users)).users), lines(content.users));
  EXPECT_EQ(read("").errors, "");
}

TEST_F(AclFileTest, EverythingThatIsWrongIsSaid) {
  const std::string keyword = "users.acl:1 should start with user keyword followed by the username. ";
  EXPECT_EQ(errors("foo\n"), keyword + kWarning);
  EXPECT_EQ(errors("user\n"), keyword + kWarning);
  EXPECT_EQ(errors("USER a on"), keyword + kWarning);
  EXPECT_EQ(errors("# comment\n"), keyword + kWarning);
  EXPECT_EQ(errors("user a on\nuser a off\n"), "WARNING: Duplicate user 'a' found on line 2. " + kWarning);
  EXPECT_EQ(errors("user a foo\n"), "users.acl:1: Syntax error. " + kWarning);
  EXPECT_EQ(errors("user \"a b\" on\n"), "users.acl:1: Syntax error. " + kWarning);
  EXPECT_EQ(errors("user a (+get ~a\nuser b +nope -nope foo bar\n"),
            "users.acl:1: Unmatched parenthesis in selector definition.users.acl:2: Error in applying operation "
            "'+nope': Unknown command or category name in ACL. users.acl:2: Error in applying operation '-nope': "
            "Unknown command or category name in ACL. users.acl:2: Syntax error. " +
                kWarning);
}

TEST_F(AclFileTest, ConfiguredUsers) {
  AclUsers users;
  users.emplace("default", rules_.open_default_user());
  const auto add = [&](const std::vector<std::string>& words) {
    return add_configured_user(words, rules_, users).value_or("");
  };
  EXPECT_EQ(add({"a", "on", "(+get", "~x)"}), "");
  EXPECT_EQ(add({"default", "on", "+get"}), "");
  EXPECT_EQ(lines(users),
            "user a on resetchannels -@all (~x resetchannels -@all +get)\n"
            "user default on resetchannels -@all +get\n");
  EXPECT_EQ(add({"b", "foo"}), "Error in user declaration 'b': Syntax error");
  EXPECT_EQ(add({"b", "(+get"}), "Error in user declaration 'b': Unmatched parenthesis in selector definition");
  EXPECT_EQ(add({"b c"}), "Error in user declaration 'b c': Spaces not allowed in ACL usernames");
  EXPECT_EQ(users.size(), 2u);
}

TEST_F(AclFileTest, ConfiguredLinesAreReadAgain) {
  for (const std::string& name : {std::string("a"), std::string(), std::string("a\"b'\a"), std::string("\xc3\xa4\\")}) {
    AclUser user = rules_.new_user(name);
    for (const std::string rule : {"on", ">foo", "+select|\"0", "~it's", "(~'x' +get)", "&\\n"}) {
      ASSERT_EQ(rules_.apply(user, rule), std::nullopt) << rule;
    }
    const std::string line = configured_user_line(user);
    const auto words = split_args(line);
    ASSERT_TRUE(words) << line;
    AclUsers users;
    ASSERT_EQ(add_configured_user(std::span(*words).subspan(1), rules_, users), std::nullopt) << line;
    EXPECT_EQ(lines(users), acl_user_line(user) + "\n");
  }
  EXPECT_EQ(configured_user_line(rules_.open_default_user()), "user default on nopass ~* &* +@all");
}

}  // namespace
}  // namespace millrace::settings
