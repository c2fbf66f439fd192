// ACL, AUTH and what they do to clients, byte for byte, as Redis 7.2 has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>

#include "commands/acl_files.h"
#include "settings/directives.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kNoAuthError = "-NOAUTH Authentication required.\r\n";

class AclCommands : public testing::Test, protected CommandStage {
 protected:
  // Another connection, logged in as a user with these rules.
  Ref<Client> user(const std::string& name, const std::string& rules) {
    EXPECT_EQ(run("ACL SETUSER " + name + " on nopass " + rules), "+OK\r\n");
    const Ref<Client> client = connect("127.0.0.1:5000" + std::to_string(++connected_));
    EXPECT_EQ(run(*client, "AUTH " + name + " x"), "+OK\r\n");
    return client;
  }
  std::string log_text() { return run("ACL LOG"); }

  int connected_ = 0;
};

TEST_F(AclCommands, TheFirstUserMayDoAll) {
  EXPECT_THAT(run("ACL LIST"), EndsWith("\r\nuser default on nopass sanitize-payload ~* &* +@all\r\n"));
  EXPECT_EQ(run("ACL WHOAMI"), "$7\r\ndefault\r\n");
  EXPECT_EQ(run("ACL USERS"), "*1\r\n$7\r\ndefault\r\n");
  EXPECT_TRUE(executor.permissions().is_free(*me));
}

TEST_F(AclCommands, GetUserInBothProtocols) {
  run("ACL SETUSER u on >foo ~a &b +xadd (%R~c +xread)");
  const std::string digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  EXPECT_EQ(run("ACL GETUSER u"),
            "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$16\r\nsanitize-payload\r\n$9\r\npasswords\r\n*1\r\n$64\r\n" +
                digest +
                "\r\n$8\r\ncommands\r\n$11\r\n-@all +xadd\r\n$4\r\nkeys\r\n$2\r\n~a\r\n$8\r\nchannels\r\n$2\r\n&b\r\n"
                "$9\r\nselectors\r\n*1\r\n*6\r\n$8\r\ncommands\r\n$12\r\n-@all +xread\r\n$4\r\nkeys\r\n$4\r\n%R~c\r\n"
                "$8\r\nchannels\r\n$0\r\n\r\n");
  EXPECT_EQ(run("ACL GETUSER nobody"), "$-1\r\n");
  run("HELLO 3");
  EXPECT_THAT(run("ACL GETUSER u"), StartsWith("%6\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n"));
  EXPECT_THAT(run("ACL GETUSER u"), HasSubstr("$9\r\nselectors\r\n*1\r\n%3\r\n$8\r\ncommands\r\n"));
}

TEST_F(AclCommands, SetUserTakesAllRulesOrNone) {
  EXPECT_EQ(run("ACL SETUSER u on +foo"),
            "-ERR Error in ACL SETUSER modifier '+foo': Unknown command or category name in ACL\r\n");
  EXPECT_EQ(run("ACL GETUSER u"), "$-1\r\n");
  EXPECT_EQ(run_args(*me, {"ACL", "SETUSER", "a b"}), "-ERR Usernames can't contain spaces or null characters\r\n");
  EXPECT_EQ(run("ACL SETUSER u (+xadd ~a"), "-ERR Unmatched parenthesis in acl selector starting at '(+xadd'.\r\n");
  EXPECT_EQ(run("ACL SETUSER u"), "+OK\r\n");
  EXPECT_THAT(run("ACL LIST"), HasSubstr("user u off sanitize-payload resetchannels -@all\r\n"));
}

TEST_F(AclCommands, DelUserClosesConnections) {
  const Ref<Client> client = user("u", "+@all");
  run("ACL SETUSER v");
  EXPECT_EQ(run("ACL DELUSER default"), "-ERR The 'default' user cannot be removed\r\n");
  EXPECT_EQ(run("ACL DELUSER u default"), "-ERR The 'default' user cannot be removed\r\n");
  EXPECT_THAT(host.killed, IsEmpty());
  EXPECT_EQ(run("ACL DELUSER u v nobody"), ":2\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(client->fixed.id, false)));
  EXPECT_EQ(run("ACL USERS"), "*1\r\n$7\r\ndefault\r\n");
}

// Either the deleter finds the connection, or the connection that the user is gone.
TEST_F(AclCommands, WhoLogsInWhileItsUserIsDeletedIsNotLeftBehind) {
  constexpr int kRounds = 500;
  const Ref<Client> client = connect("127.0.0.1:50001");
  for (int round = 0; round < kRounds; ++round) {
    run("ACL SETUSER u on nopass");
    run(*client, "RESET");
    host.killed.clear();
    bool is_found = false;
    std::latch both(2);
    std::thread deleter([&] {
      both.arrive_and_wait();
      server.users.remove("u");
      is_found = client->names().user == "u";
    });
    both.arrive_and_wait();
    run(*client, "AUTH u x");
    deleter.join();
    ASSERT_TRUE(client->names().user != "u" || is_found || host.killed.contains(client->fixed.id)) << round;
  }
}

TEST_F(AclCommands, WhoDeletesItselfHasItsAnswer) {
  const Ref<Client> client = user("u", "+@all");
  EXPECT_EQ(run(*client, "ACL DELUSER u"), ":1\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(client->fixed.id, true)));
}

TEST_F(AclCommands, RulesHoldFromTheNextCommandOn) {
  const Ref<Client> client = user("u", "+@all ~*");
  EXPECT_EQ(run(*client, "XLEN k"), ":0\r\n");
  run("ACL SETUSER u resetkeys ~a*");
  EXPECT_EQ(run(*client, "XLEN k"), "-NOPERM No permissions to access a key\r\n");
  EXPECT_EQ(run(*client, "XLEN ab"), ":0\r\n");
  run("ACL SETUSER u -xlen");
  EXPECT_EQ(run(*client, "XLEN ab"), "-NOPERM User u has no permissions to run the 'xlen' command\r\n");
  run("ACL SETUSER u off");
  EXPECT_EQ(run(*client, "EXISTS ab"), ":0\r\n") << "who is logged in stays so";
  EXPECT_EQ(run(*client, "RESET"), "+RESET\r\n");
  EXPECT_EQ(run(*client, "ACL WHOAMI"), "$7\r\ndefault\r\n");
}

TEST_F(AclCommands, AConsumerNamedStreamsFoolsNobody) {
  const Ref<Client> client = user("u", "+@all ~allowed");
  run("XADD secret 1-1 f v");
  run("XGROUP CREATE secret STREAMS 0");
  const std::string denied = "-NOPERM No permissions to access a key\r\n";
  EXPECT_EQ(run(*client, "XREADGROUP GROUP STREAMS allowed STREAMS secret >"), denied);
  EXPECT_EQ(run(*client, "XREADGROUP GROUP g STREAMS STREAMS secret >"), denied);
  EXPECT_EQ(run(*client, "XREAD COUNT 1 STREAMS allowed secret 0 0"), denied);
  EXPECT_EQ(run(*client, "XREAD STREAMS allowed 0"), "*-1\r\n");
}

// ---- passwords

TEST_F(AclCommands, RequirepassIsThePasswordOfTheDefaultUser) {
  EXPECT_EQ(run("CONFIG SET requirepass secret"), "+OK\r\n");
  EXPECT_EQ(run("PING"), "+PONG\r\n") << "who was there before has logged in";
  EXPECT_THAT(run("CONFIG GET requirepass"), EndsWith("$6\r\nsecret\r\n"));
  const Ref<Client> client = connect("127.0.0.1:50001");
  EXPECT_EQ(run(*client, "PING"), kNoAuthError);
  EXPECT_EQ(run(*client, "NOSUCH"), "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
  EXPECT_THAT(run(*client, "HELLO 3"), StartsWith("-NOAUTH HELLO must be called with the client already "));
  EXPECT_EQ(run(*client, "AUTH wrong"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(run(*client, "AUTH default wrong"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(run(*client, "AUTH secret"), "+OK\r\n");
  EXPECT_EQ(run(*client, "PING"), "+PONG\r\n");
  EXPECT_EQ(run(*client, "RESET"), "+RESET\r\n");
  EXPECT_EQ(run(*client, "PING"), kNoAuthError);
  EXPECT_THAT(run(*client, "HELLO 3 AUTH default secret"), StartsWith("%7\r\n"));
  EXPECT_EQ(run("CONFIG SET requirepass secret"), "+OK\r\n");
  EXPECT_EQ(run_args(*me, {"CONFIG", "SET", "requirepass", ""}), "+OK\r\n");
  EXPECT_EQ(run(*connect("127.0.0.1:50002"), "PING"), "+PONG\r\n");
}

TEST_F(AclCommands, ADisabledDefaultUserNeedsALoginAsWell) {
  run("ACL SETUSER default off");
  const Ref<Client> client = connect("127.0.0.1:50001");
  EXPECT_EQ(run(*client, "PING"), kNoAuthError);
  EXPECT_EQ(run(*client, "AUTH default x"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
}

TEST_F(AclCommands, ClientsAreListedAndKilledByUser) {
  const Ref<Client> client = user("u", "+@all ~*");
  EXPECT_THAT(run("CLIENT LIST"), HasSubstr(" cmd=auth user=u redir=-1 "));
  EXPECT_EQ(run("CLIENT KILL USER nobody"), "-ERR No such user 'nobody'\r\n");
  EXPECT_EQ(run("CLIENT KILL USER u"), ":1\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(client->fixed.id, false)));
}

// ---- pub/sub

TEST_F(AclCommands, WhoListensToWhatIsTakenAwayIsDisconnected) {
  const Ref<Client> channel = user("u", "+@all &a &b* &c*");
  const Ref<Client> pattern = connect("127.0.0.1:50007");
  run(*pattern, "AUTH u x");
  const Ref<Client> idle = connect("127.0.0.1:50008");
  run(*idle, "AUTH u x");
  EXPECT_EQ(run(*channel, "SUBSCRIBE d"), "-NOPERM No permissions to access a channel\r\n");
  EXPECT_THAT(run(*channel, "SUBSCRIBE a bb"), HasSubstr(":2\r\n"));
  EXPECT_EQ(run(*pattern, "PSUBSCRIBE b1*"), "-NOPERM No permissions to access a channel\r\n");
  EXPECT_THAT(run(*pattern, "PSUBSCRIBE c*"), HasSubstr(":1\r\n"));
  run("ACL SETUSER u &e");
  run("ACL SETUSER u resetchannels &a &b? &c*");
  EXPECT_THAT(host.killed, IsEmpty());
  run("ACL SETUSER u resetchannels &a &c*");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(channel->fixed.id, false)));
  run("ACL SETUSER u resetchannels &c");
  EXPECT_EQ(host.killed.size(), 2u);
  EXPECT_FALSE(host.killed.contains(idle->fixed.id));
}

TEST_F(AclCommands, AllChannelsTakenAwayDisconnectToo) {
  const Ref<Client> client = user("u", "+@all allchannels");
  run(*client, "SSUBSCRIBE a");
  run("ACL SETUSER u resetchannels &b");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(client->fixed.id, false)));
}

// ---- blocked commands

TEST_F(AclCommands, ABlockedReaderWhoMayNoLongerReadIsTold) {
  const Ref<Client> client = user("u", "+@all ~k ~l");
  EXPECT_EQ(run(*client, "XREAD BLOCK 0 STREAMS k 0"), "");
  run("ACL SETUSER u resetkeys ~l");
  run("XADD k 1-1 f v");
  EXPECT_EQ(host.delivered[client->fixed.id], "-NOPERM No permissions to access a key\r\n");
  EXPECT_THAT(host.resumed, ElementsAre(client->fixed.id));
  EXPECT_THAT(log_text(), HasSubstr("$3\r\nkey\r\n"));
}

TEST_F(AclCommands, ABlockedReaderWhoMayStillReadIsAnswered) {
  const Ref<Client> client = user("u", "+@all ~k");
  EXPECT_EQ(run(*client, "XREAD BLOCK 0 STREAMS k 0"), "");
  run("ACL SETUSER u ~l");
  run("XADD k 1-1 f v");
  EXPECT_THAT(host.delivered[client->fixed.id], HasSubstr("1-1"));
}

// Whoever deletes the user closes its connections a moment later.
TEST_F(AclCommands, ABlockedReaderWhoseUserIsGoneTakesNothing) {
  const Ref<Client> client = user("u", "+@all ~k");
  run("XGROUP CREATE k g 0 MKSTREAM");
  EXPECT_EQ(run(*client, "XREADGROUP GROUP g me BLOCK 0 STREAMS k >"), "");
  server.users.remove("u");
  run("XADD k 1-1 f v");
  EXPECT_EQ(host.delivered[client->fixed.id], kNoAuthError);
  EXPECT_EQ(run("XPENDING k g"), "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
}

TEST_F(AclCommands, ABlockedReaderIsAskedAgainByTheWordItsRuleIsAbout) {
  const Ref<Client> client = user("u", "+xread|block ~k");
  EXPECT_EQ(run(*client, "XREAD BLOCK 0 STREAMS k 0"), "");
  run("ACL SETUSER u ~l");
  run("XADD k 1-1 f v");
  EXPECT_THAT(host.delivered[client->fixed.id], HasSubstr("1-1"));
}

// ---- ACL LOG

TEST_F(AclCommands, DenialsAreLoggedAndCounted) {
  const Ref<Client> client = user("u", "+xlen +publish ~a &b");
  run(*client, "XADD a 1-1 f v");
  run(*client, "XLEN secret");
  run(*client, "PUBLISH hidden x");
  run(*client, "AUTH bob x");
  EXPECT_THAT(log_text(), StartsWith("*4\r\n*20\r\n$5\r\ncount\r\n:1\r\n$6\r\nreason\r\n$4\r\nauth\r\n$7\r\ncontext\r\n"
                                     "$8\r\ntoplevel\r\n$6\r\nobject\r\n$4\r\nAUTH\r\n$8\r\nusername\r\n$3\r\nbob\r\n"
                                     "$11\r\nage-seconds\r\n$1\r\n0\r\n$11\r\nclient-info\r\n"));
  EXPECT_THAT(log_text(), HasSubstr("$8\r\nentry-id\r\n:3\r\n$17\r\ntimestamp-created\r\n:1700000000000\r\n$22\r\n"
                                    "timestamp-last-updated\r\n:1700000000000\r\n"));
  for (const char* what : {"$7\r\nchannel\r\n", "$6\r\nhidden\r\n", "$3\r\nkey\r\n", "$6\r\nsecret\r\n",
                           "$7\r\ncommand\r\n", "$4\r\nxadd\r\n", " cmd=xadd user=u "}) {
    EXPECT_THAT(log_text(), HasSubstr(what));
  }
  EXPECT_THAT(run("INFO stats"), HasSubstr("acl_access_denied_auth:1\r\nacl_access_denied_cmd:1\r\n"
                                           "acl_access_denied_key:1\r\nacl_access_denied_channel:1\r\n"));
  run("CONFIG RESETSTAT");
  EXPECT_THAT(run("INFO stats"), HasSubstr("acl_access_denied_auth:0\r\n"));
  EXPECT_EQ(run("ACL LOG RESET"), "+OK\r\n");
  EXPECT_EQ(log_text(), "*0\r\n");
}

TEST_F(AclCommands, TheLogDoesNotKeepWhatIsTooLongForAName) {
  const Ref<Client> client = user("u", "+xlen");
  const std::string key(100'000, 'k');
  run_args(*client, {"XLEN", key});
  run_args(*client, {"AUTH", key, "x"});
  EXPECT_THAT(log_text(), HasSubstr("$16384\r\nkkk"));
  EXPECT_LT(log_text().size(), 40'000u);
}

TEST_F(AclCommands, LikeDenialsAreOneEntryForAMinute) {
  const Ref<Client> client = user("u", "");
  run(*client, "XLEN a");
  pass_ms(1500);
  run(*client, "XLEN b");
  EXPECT_THAT(log_text(), StartsWith("*1\r\n*20\r\n$5\r\ncount\r\n:2\r\n"));
  pass_ms(1500);
  EXPECT_THAT(log_text(), HasSubstr("age-seconds\r\n$3\r\n1.5\r\n"));
  EXPECT_THAT(log_text(), HasSubstr("timestamp-created\r\n:1700000000000\r\n$22\r\ntimestamp-last-updated\r\n"
                                    ":1700000001500\r\n"));
  pass_ms(61'000);
  run(*client, "XLEN c");
  EXPECT_THAT(log_text(), StartsWith("*2\r\n"));
  run("CONFIG SET acllog-max-len 1");
  run(*client, "XADD a * f v");
  EXPECT_THAT(log_text(), StartsWith("*1\r\n"));
  EXPECT_EQ(run("ACL LOG 0"), "*0\r\n");
  EXPECT_EQ(run("ACL LOG -1"), "*0\r\n");
  EXPECT_EQ(run("ACL LOG x"), "-ERR value is not an integer or out of range\r\n");
}

// ---- files

class AclFiles : public AclCommands {
 protected:
  AclFiles() {
    server.environment.read_existing_file = [this](const std::string& path) -> std::optional<std::string> {
      const auto place = files_.find(path);
      return place == files_.end() ? std::nullopt : std::optional(place->second);
    };
    server.environment.replace_file = [this](const std::string& path, const std::string& text) {
      if (!is_writable_) return std::optional<std::string>("no space");
      files_[path] = text;
      return std::optional<std::string>();
    };
  }
  void given_setting(std::string_view name, const std::string& value) {
    settings.store(*settings::find_directive(name), {.number = 0, .text = value});
  }

  std::map<std::string, std::string> files_;
  bool is_writable_ = true;
};

TEST_F(AclFiles, WithoutOneThereIsNothingToLoad) {
  EXPECT_THAT(run("ACL LOAD"), StartsWith("-ERR This Redis instance is not configured to use an ACL file. "));
  EXPECT_THAT(run("ACL SAVE"), StartsWith("-ERR This Redis instance is not configured to use an ACL file. "));
}

TEST_F(AclFiles, SaveAndLoad) {
  given_setting("aclfile", "/etc/users.acl");
  run("ACL SETUSER bob on >foo +xlen ~a");
  EXPECT_EQ(run("ACL SAVE"), "+OK\r\n");
  const std::string saved = files_["/etc/users.acl"];
  EXPECT_THAT(saved, StartsWith("user bob on sanitize-payload #2c26b46b"));
  EXPECT_THAT(saved, EndsWith("\nuser default on nopass sanitize-payload ~* &* +@all\n"));
  const Ref<Client> bob = connect("127.0.0.1:50001");
  run(*bob, "AUTH bob foo");
  const Ref<Client> alice = user("alice", "+@all");
  EXPECT_EQ(run("ACL LOAD"), "+OK\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair(alice->fixed.id, false))) << "bob is as he was, alice is gone";
  EXPECT_EQ(run("ACL USERS"), "*2\r\n$3\r\nbob\r\n$7\r\ndefault\r\n");
  is_writable_ = false;
  EXPECT_THAT(run("ACL SAVE"), StartsWith("-ERR There was an error trying to save the ACLs. "));
}

TEST_F(AclFiles, AFileWithMistakesChangesNothing) {
  given_setting("aclfile", "/etc/users.acl");
  EXPECT_THAT(run("ACL LOAD"), StartsWith("-ERR Error loading ACLs, opening file '/etc/users.acl'"));
  files_["/etc/users.acl"] = "user default on nopass ~* +@all\nuser bob foo\n";
  EXPECT_EQ(run("ACL LOAD"),
            "-ERR /etc/users.acl:2: Syntax error. WARNING: ACL errors detected, no change to the previously active ACL "
            "rules was performed\r\n");
  EXPECT_THAT(run("ACL LIST"), EndsWith("user default on nopass sanitize-payload ~* &* +@all\r\n"));
}

TEST_F(AclFiles, AtStart) {
  using Lines = std::vector<std::vector<std::string>>;
  EXPECT_EQ(load_users(server, {}), std::nullopt);
  EXPECT_EQ(load_users(server, Lines{{"bob", "on", "+get-no"}}),
            "Error in user declaration 'bob': Unknown command or category name in ACL");
  given_setting("requirepass", "foo");
  EXPECT_EQ(load_users(server, Lines{{"bob", "on", "nopass", "+xlen"}}), std::nullopt);
  EXPECT_THAT(configured_user_lines(server),
              ElementsAre("user bob on nopass sanitize-payload resetchannels -@all +xlen"));
  EXPECT_EQ(run(*connect("127.0.0.1:50001"), "PING"), kNoAuthError);
  EXPECT_EQ(load_users(server, Lines{{"default", "on", "nopass", "+ping"}}), std::nullopt);
  EXPECT_EQ(run(*connect("127.0.0.1:50001"), "PING"), "+PONG\r\n") << "the line of a user is more than requirepass";
  given_setting("aclfile", "/etc/users.acl");
  EXPECT_THAT(load_users(server, Lines{{"bob"}}).value_or(""), HasSubstr("both"));
  files_["/etc/users.acl"] = "user bob on\n";
  EXPECT_EQ(load_users(server, {}), std::nullopt);
  EXPECT_THAT(configured_user_lines(server), IsEmpty());
}

// ---- the rest

TEST_F(AclCommands, Genpass) {
  EXPECT_THAT(run("ACL GENPASS"), StartsWith("$64\r\n"));
  EXPECT_NE(run("ACL GENPASS"), run("ACL GENPASS"));
  EXPECT_THAT(run("ACL GENPASS 5"), StartsWith("$2\r\n"));
  EXPECT_THAT(run("ACL GENPASS 4096"), StartsWith("$1024\r\n"));
  for (const char* line : {"ACL GENPASS 0", "ACL GENPASS -1", "ACL GENPASS 4097"}) {
    EXPECT_THAT(run(line), StartsWith("-ERR ACL GENPASS argument must be the number of bits for the output password"));
  }
}

TEST_F(AclCommands, Cat) {
  EXPECT_THAT(run("ACL CAT"), StartsWith("*21\r\n$8\r\nkeyspace\r\n$4\r\nread\r\n"));
  EXPECT_THAT(run("ACL CAT STREAM"), HasSubstr("$12\r\nxgroup|setid\r\n"));
  EXPECT_EQ(run("ACL CAT nope"), "-ERR Unknown category 'nope'\r\n");
}

TEST_F(AclCommands, MessagesOfAPipelineAreCheckedOneByOne) {
  const Ref<Client> client = user("u", "+publish &a");
  EXPECT_EQ(run(*client, "PUBLISH a x"), ":0\r\n");
  EXPECT_EQ(run(*client, "PUBLISH b x"), "-NOPERM No permissions to access a channel\r\n");
}

}  // namespace
}  // namespace millrace::commands
