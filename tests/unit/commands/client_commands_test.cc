// CLIENT and the connection's commands, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "commands/blocking.h"
#include "commands/client_line.h"
#include "commands/client_memory.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ClientCommands : public testing::Test, protected CommandStage {
 protected:
  std::string line_of(const Client& client, uint32_t compat_version = 0x00070204) {
    std::string line;
    append_client_line(line, client, now.unix_ms, compat_version);
    return line;
  }
};

TEST_F(ClientCommands, ALineHasTheFieldsOfItsReleaseInTheirOrder) {
  EXPECT_EQ(line_of(*me, 0x0007000f),
            "id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name= age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 "
            "multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r "
            "cmd=NULL user=default redir=-1 resp=2");
  EXPECT_THAT(line_of(*me, 0x00070204), EndsWith(" resp=2 lib-name= lib-ver="));
  EXPECT_THAT(line_of(*me, 0x00070400), HasSubstr(" multi=-1 watch=0 qbuf="));
  EXPECT_THAT(line_of(*me, 0x00080200), EndsWith(" lib-ver= io-thread=0 tot-net-in=0 tot-net-out=0 tot-cmds=0"));
}

TEST_F(ClientCommands, ALineShowsTheCard) {
  pass_ms(7999);
  me->card.last_interaction_ms = now.unix_ms - 3000;
  me->card.blocked = me->card.no_evict = me->card.no_touch = true;
  me->card.database = 3;
  me->card.protocol = 3;
  me->card.output_buffer_bytes = 99;
  me->card.output_capacity_bytes = 128;
  me->card.output_peak_bytes = 120;
  EXPECT_THAT(line_of(*me), HasSubstr("name= age=7 idle=3 flags=beT db=3 "));
  EXPECT_THAT(line_of(*me), HasSubstr(" rbs=128 rbp=120 obl=99 oll=0 omem=0 tot-mem=128 events=r "));
  EXPECT_THAT(line_of(*me), HasSubstr(" resp=3 "));
  pass_ms(-100000);
  EXPECT_THAT(line_of(*me), HasSubstr("age=0 idle=0 ")) << "the wall clock may jump back";
}

TEST_F(ClientCommands, ALineShowsTheMemory) {
  Client::Card& card = me->card;
  card.object_bytes = 1000;
  card.query_buffer_bytes = 200;
  card.query_buffer_free_bytes = 56;
  card.output_buffer_bytes = 20'000;
  card.output_capacity_bytes = 30'000;
  card.output_peak_bytes = 25'000;
  card.output_batches = 2;
  card.is_sending = true;
  run("CLIENT SETNAME four");
  run("SUBSCRIBE channel");
  EXPECT_THAT(line_of(*me), HasSubstr(" qbuf=200 qbuf-free=56 argv-mem=0 multi-mem=0 rbs=30000 rbp=25000 obl=0 oll=2 "
                                      "omem=30000 tot-mem="));
  EXPECT_THAT(line_of(*me), HasSubstr(" events=rw "));
  EXPECT_GT(memory_of(*me), 31'260u) << "the subscription takes some, too";
  run("UNSUBSCRIBE");
  EXPECT_THAT(run("CLIENT LIST"), HasSubstr(" argv-mem=10 ")) << "of the command that looks";
  EXPECT_THAT(line_of(*me), HasSubstr(" argv-mem=0 "));
}

TEST_F(ClientCommands, InfoIsTheOwnLine) {
  const std::string reply = run("client INFO");
  EXPECT_THAT(reply, StartsWith("$"));
  EXPECT_THAT(reply, HasSubstr("\r\nid=1 addr="));
  EXPECT_THAT(reply, HasSubstr(" cmd=client|info "));
  EXPECT_THAT(reply, EndsWith("\n\r\n"));
}

TEST_F(ClientCommands, ListTakesTypesAndIds) {
  const Ref<Client> other = connect("127.0.0.1:50001");
  EXPECT_THAT(run("CLIENT LIST"), HasSubstr("id=2 addr=127.0.0.1:50001"));
  EXPECT_THAT(run("CLIENT LIST TYPE normal"), HasSubstr("id=2 "));
  EXPECT_EQ(run("CLIENT LIST TYPE pubsub"), "$0\r\n\r\n");
  EXPECT_THAT(run("CLIENT LIST ID 2 99"), Not(HasSubstr("id=1 ")));
  EXPECT_EQ(run("CLIENT LIST ID 0 -5"), "$0\r\n\r\n");
  EXPECT_EQ(run("CLIENT LIST ID a"), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(run("CLIENT LIST TYPE foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(run("CLIENT LIST ID"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("CLIENT LIST TYPE normal x"), "-ERR syntax error\r\n");
}

TEST_F(ClientCommands, NamesMustBeClean) {
  EXPECT_EQ(run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_EQ(run("CLIENT SETNAME worker-1"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT GETNAME"), "$8\r\nworker-1\r\n");
  const std::string refused = "-ERR Client names cannot contain spaces, newlines or special characters.\r\n";
  EXPECT_EQ(run_args(*me, {"CLIENT", "SETNAME", "a b"}), refused);
  EXPECT_EQ(run_args(*me, {"CLIENT", "SETNAME", "a\nb"}), refused);
  EXPECT_EQ(run_args(*me, {"CLIENT", "SETNAME", "\xc3\xa9"}), refused);
  EXPECT_EQ(run_args(*me, {"CLIENT", "SETNAME", ""}), "+OK\r\n");
  EXPECT_EQ(run("CLIENT GETNAME"), "$-1\r\n");
}

TEST_F(ClientCommands, SetInfoNotesTheLibrary) {
  EXPECT_EQ(run("CLIENT SETINFO lib-name redis-py"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT SETINFO LIB-VER 5.0"), "+OK\r\n");
  EXPECT_THAT(line_of(*me), EndsWith(" lib-name=redis-py lib-ver=5.0"));
  EXPECT_EQ(run_args(*me, {"CLIENT", "SETINFO", "lib-Ver", "a b"}),
            "-ERR lib-Ver cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(run("CLIENT SETINFO lib-foo a"), "-ERR Unrecognized option 'lib-foo'\r\n");
  EXPECT_EQ(run("RESET"), "+RESET\r\n");
  EXPECT_THAT(line_of(*me), EndsWith(" lib-name=redis-py lib-ver=5.0"));
}

TEST_F(ClientCommands, KillByAddressTakesTheCallerToo) {
  connect("127.0.0.1:50001");
  EXPECT_EQ(run("CLIENT KILL 127.0.0.1:50001"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT KILL 127.0.0.1:50000"), "+OK\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair{1u, true}, std::pair{2u, false}));
  EXPECT_EQ(run("CLIENT KILL 127.0.0.1:9"), "-ERR No such client\r\n");
}

TEST_F(ClientCommands, KillByOptionsCountsAndSparesTheCaller) {
  connect("127.0.0.1:50001");
  pass_ms(10'000);
  connect("127.0.0.1:50002");
  EXPECT_EQ(run("CLIENT KILL MAXAGE 10 SKIPME yes"), ":1\r\n");
  EXPECT_THAT(host.killed, ElementsAre(std::pair{2u, false}));
  EXPECT_EQ(run("CLIENT KILL ID 3"), ":1\r\n");
  EXPECT_EQ(run("CLIENT KILL ID 1"), ":0\r\n");
  EXPECT_EQ(run("CLIENT KILL LADDR 127.0.0.1:6379 SKIPME no"), ":3\r\n");
  EXPECT_EQ(run("CLIENT KILL TYPE pubsub SKIPME no"), ":0\r\n");
  EXPECT_EQ(run("CLIENT KILL USER default"), ":2\r\n");
}

TEST_F(ClientCommands, KillRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run("CLIENT KILL ID 0"), "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(run("CLIENT KILL ID x"), "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(run("CLIENT KILL TYPE foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(run("CLIENT KILL USER foo"), "-ERR No such user 'foo'\r\n");
  EXPECT_EQ(run("CLIENT KILL SKIPME maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("CLIENT KILL ID 5 ADDR"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("CLIENT KILL MAXAGE x"), "-ERR maxage is not an integer or out of range\r\n");
  EXPECT_EQ(run("CLIENT KILL MAXAGE 0"), "-ERR maxage should be greater than 0\r\n");
  EXPECT_TRUE(host.killed.empty());
}

class Patient final : public BlockedCommand {
 public:
  explicit Patient(Ref<Client> client) : BlockedCommand(std::move(client), {}, kNoDeadline) {}
  bool try_answer(keyspace::Database&, std::string_view, resp::ReplyWriter&) override { return false; }
  void write_timeout(resp::ReplyWriter& reply) const override { reply.null_array(); }
};

TEST_F(ClientCommands, UnblockAnswersInTheBlockedClientsProtocol) {
  const Ref<Client> other = connect("127.0.0.1:50001");
  EXPECT_EQ(run("CLIENT UNBLOCK 2"), ":0\r\n");
  other->set_waiter(Ref<Patient>::make(other));
  EXPECT_EQ(run("CLIENT UNBLOCK 2 timeout"), ":1\r\n");
  EXPECT_EQ(host.delivered[2], "*-1\r\n");
  EXPECT_THAT(host.resumed, ElementsAre(2u));
  EXPECT_EQ(run("CLIENT UNBLOCK 2"), ":0\r\n") << "it is answered once";
  other->session.protocol = resp::Protocol::kResp3;
  other->set_waiter(Ref<Patient>::make(other));
  host.delivered.clear();
  EXPECT_EQ(run("CLIENT UNBLOCK 2"), ":1\r\n");
  EXPECT_EQ(host.delivered[2], "_\r\n");
  other->set_waiter(Ref<Patient>::make(other));
  host.delivered.clear();
  EXPECT_EQ(run("CLIENT UNBLOCK 2 ERROR"), ":1\r\n");
  EXPECT_EQ(host.delivered[2], "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  other->set_waiter(nullptr);
}

TEST_F(ClientCommands, WhoWantsNoRepliesIsUnblockedSilently) {
  const Ref<Client> other = connect("127.0.0.1:50001");
  for (const std::string_view mode : {"CLIENT REPLY OFF", "CLIENT REPLY SKIP"}) {
    run(*other, mode);
    run(*other, "XREAD BLOCK 0 STREAMS k $");
    ASSERT_EQ(blocked_commands.size(), mode.ends_with("OFF") ? 1u : 2u) << mode;
    other->set_waiter(Ref<keyspace::Waiter>(blocked_commands.back()));
    EXPECT_EQ(run("CLIENT UNBLOCK 2"), ":1\r\n");
    other->set_waiter(nullptr);
    executor.forget(*blocked_commands.back());
    run(*other, "CLIENT REPLY ON");
  }
  EXPECT_EQ(host.delivered[2], "");
  EXPECT_EQ(host.resumed.size(), 2u);
}

TEST_F(ClientCommands, UnblockRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run("CLIENT UNBLOCK abc"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("CLIENT UNBLOCK 9 foo"), "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
  EXPECT_EQ(run("CLIENT UNBLOCK 9 ERROR x"),
            "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n");
  EXPECT_EQ(run("CLIENT UNBLOCK -1"), ":0\r\n");
}

TEST_F(ClientCommands, ReplyOffAndSkipSayNothing) {
  EXPECT_EQ(run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(run("ECHO 1"), "");
  EXPECT_EQ(run("ECHO 2"), "$1\r\n2\r\n");
  EXPECT_EQ(run("CLIENT REPLY OFF"), "");
  EXPECT_EQ(run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(run("ECHO 1"), "");
  EXPECT_EQ(run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT REPLY foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("CLIENT REPLY OFF"), "");
  EXPECT_EQ(run("RESET"), "+RESET\r\n");
}

TEST_F(ClientCommands, SwitchesShowOnTheCard) {
  EXPECT_EQ(run("CLIENT NO-EVICT on"), "+OK\r\n");
  EXPECT_EQ(run("CLIENT NO-TOUCH ON"), "+OK\r\n");
  EXPECT_TRUE(me->session.no_touch && me->session.no_evict && me->card.no_touch && me->card.no_evict);
  EXPECT_EQ(run("CLIENT NO-TOUCH off"), "+OK\r\n");
  EXPECT_FALSE(me->session.no_touch || me->card.no_touch);
  EXPECT_EQ(run("CLIENT NO-EVICT foo"), "-ERR syntax error\r\n");
  run("RESET");
  EXPECT_FALSE(me->session.no_evict || me->card.no_evict);
}

TEST_F(ClientCommands, ASecondPauseOnlyMakesItLongerAndStricter) {
  const int64_t start = now.monotonic_ns;
  EXPECT_EQ(run("CLIENT PAUSE 50 WRITE"), "+OK\r\n");
  EXPECT_EQ(server.pause.until_monotonic_ns, start + 50'000'000);
  EXPECT_TRUE(server.pause.writes_only);
  EXPECT_EQ(run("CLIENT PAUSE 10"), "+OK\r\n");
  EXPECT_EQ(server.pause.until_monotonic_ns, start + 50'000'000);
  EXPECT_FALSE(server.pause.writes_only);
  pass_ms(50);
  EXPECT_EQ(run("CLIENT PAUSE 10 WRITE"), "+OK\r\n");
  EXPECT_TRUE(server.pause.writes_only);
  EXPECT_EQ(run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(server.pause.until_monotonic_ns, 0);
  EXPECT_EQ(host.pause_changes, 4);
}

TEST_F(ClientCommands, PauseReadsItsArguments) {
  EXPECT_EQ(run("CLIENT PAUSE x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(run("CLIENT PAUSE -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(run("CLIENT PAUSE x foo"), "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
  EXPECT_EQ(run("CLIENT PAUSE 9223372036854775807 WRITE"), "+OK\r\n");
  EXPECT_GT(server.pause.until_monotonic_ns, INT64_MAX - 1'000'000);
}

TEST_F(ClientCommands, HelpNamesEverySubcommand) {
  const std::string reply = run("CLIENT HELP");
  EXPECT_THAT(reply, HasSubstr("+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"));
  EXPECT_THAT(reply, HasSubstr("+UNBLOCK <client-id> [(TIMEOUT|ERROR)]\r\n+    "));
  EXPECT_THAT(reply, HasSubstr("+HELP\r\n+    "));
  EXPECT_EQ(run("CLIENT FOO"), "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n");
  EXPECT_EQ(run("CLIENT"), "-ERR wrong number of arguments for 'client' command\r\n");
}

// ---- HELLO, AUTH, SELECT, ...

TEST_F(ClientCommands, HelloChoosesTheProtocol) {
  EXPECT_THAT(run("HELLO"), StartsWith("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n"));
  const std::string reply = run("HELLO 3 AUTH default anything SETNAME me");
  EXPECT_THAT(reply, StartsWith("%7\r\n"));
  EXPECT_THAT(reply, EndsWith("$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n"
                              "$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"));
  EXPECT_EQ(run("CLIENT GETNAME"), "$2\r\nme\r\n");
  EXPECT_EQ(me->card.protocol, 3);
  EXPECT_THAT(run("HELLO"), StartsWith("%7\r\n"));
}

TEST_F(ClientCommands, AFailedHelloChangesNothing) {
  const std::vector<std::pair<std::string, std::string>> failures = {
      {"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
      {"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
      {"HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'\r\n"},
      {"HELLO 3 SETNAME a auth b", "-ERR Syntax error in HELLO option 'auth'\r\n"},
      {"HELLO 3 SETNAME a AUTH bob b", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
      {"HELLO 3 SETNAME \x01", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"}};
  for (const auto& [line, reply] : failures) EXPECT_EQ(run(line), reply) << line;
  EXPECT_EQ(run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_EQ(me->session.protocol, resp::Protocol::kResp2);
}

TEST_F(ClientCommands, AuthWithoutPasswords) {
  EXPECT_EQ(run("AUTH x"),
            "-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
            "configuration is correct?\r\n");
  EXPECT_EQ(run("AUTH default x"), "+OK\r\n");
  EXPECT_EQ(run("AUTH bob x"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(run("AUTH a b c"), "-ERR syntax error\r\n");
}

TEST_F(ClientCommands, SelectChecksTheIndex) {
  EXPECT_EQ(run("SELECT 15"), "+OK\r\n");
  EXPECT_EQ(me->session.database, 15);
  EXPECT_EQ(me->card.database, 15);
  EXPECT_EQ(run("SELECT 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run("SELECT -1"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run("SELECT a"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("SELECT 99999999999"), "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
  EXPECT_EQ(me->session.database, 15);
}

TEST_F(ClientCommands, PingEchoQuit) {
  EXPECT_EQ(run("ping"), "+PONG\r\n");
  EXPECT_EQ(run("PING a"), "$1\r\na\r\n");
  EXPECT_EQ(run("PING a b"), "-ERR wrong number of arguments for 'ping' command\r\n");
  EXPECT_EQ(run_args(*me, {"ECHO", std::string_view("a\0b", 3)}), std::string("$3\r\na\0b\r\n", 9));
  EXPECT_FALSE(me->session.close_after_reply);
  EXPECT_EQ(run("QUIT a b"), "+OK\r\n");
  EXPECT_TRUE(me->session.close_after_reply);
}

TEST_F(ClientCommands, ResetForgetsTheSession) {
  run("HELLO 3 SETNAME me");
  run("SELECT 3");
  EXPECT_EQ(run("RESET"), "+RESET\r\n");
  EXPECT_EQ(run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_EQ(me->session.database, 0);
  EXPECT_EQ(me->card.protocol, 2);
}

}  // namespace
}  // namespace millrace::commands
