// CLIENT TRACKING and its relatives on one core: who is told of what, in which form, and in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_stage.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ClientTracking : public testing::Test {
 protected:
  // A client that speaks RESP3 and has said this about tracking.
  Ref<Client> tracker(const std::string& options = "") {
    Ref<Client> client = stage.connect("127.0.0.1:50001");
    stage.run(*client, "HELLO 3");
    EXPECT_EQ(track(*client, options), "+OK\r\n");
    return client;
  }
  std::string track(Client& client, const std::string& options) {
    return stage.run(client, "CLIENT TRACKING ON" + (options.empty() ? "" : " " + options));
  }
  std::string info(Client& client) { return stage.run(client, "CLIENT TRACKINGINFO"); }
  void read(Client& client, const std::string& keys) { stage.run(client, "EXISTS " + keys); }
  // Somebody else changes the key.
  void change(const std::string& key) { stage.run("XADD " + key + " * f v"); }
  void end_turn() { stage.server.tracking.end_turn(stage.host); }
  // What has been pushed to it since the last call.
  std::string heard(const Client& client) { return std::exchange(stage.host.delivered[client.fixed.id], ""); }
  void go_away(Client& client) {
    stage.executor.forget_client(client);
    stage.server.clients.remove(client.fixed.id);
  }

  static std::string word(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  static std::string keys_array(const std::vector<std::string>& keys) {
    std::string text = "*" + std::to_string(keys.size()) + "\r\n";
    for (const std::string& key : keys) text += word(key);
    return text;
  }
  static std::string invalid(const std::vector<std::string>& keys) {
    return ">2\r\n$10\r\ninvalidate\r\n" + keys_array(keys);
  }
  static std::string published(const std::vector<std::string>& keys) {
    return "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n" + keys_array(keys);
  }
  static inline const std::string kAllInvalid = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

  CommandStage stage;
};

// ---- what can be asked for

struct Refused {
  const char* already;  // what the client tracks before, empty: nothing
  const char* asked;
  const char* error;
};
constexpr const char* kSwitchBroadcast =
    "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a "
    "different mode.";
constexpr const char* kSwitchOpt =
    "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
    "different mode.";
constexpr Refused kRefused[] = {
    {"", "TRACKING", "wrong number of arguments for 'client|tracking' command"},
    {"", "TRACKING MAYBE", "syntax error"},
    {"", "TRACKING ON LOUDLY", "syntax error"},
    {"", "TRACKING ON PREFIX", "syntax error"},
    {"", "TRACKING ON REDIRECT", "syntax error"},
    {"", "TRACKING ON REDIRECT x", "value is not an integer or out of range"},
    {"", "TRACKING ON REDIRECT 0", "The client ID you want redirect to does not exist"},
    {"", "TRACKING ON REDIRECT -1", "The client ID you want redirect to does not exist"},
    {"", "TRACKING OFF REDIRECT 999", "The client ID you want redirect to does not exist"},
    {"", "TRACKING ON REDIRECT 1 REDIRECT 999", "A client can only redirect to a single other client"},
    {"", "TRACKING ON PREFIX a OPTIN OPTOUT", "PREFIX option requires BCAST mode to be enabled"},
    {"", "TRACKING ON OPTIN OPTOUT", "You can't specify both OPTIN mode and OPTOUT mode"},
    {"", "TRACKING ON OPTOUT BCAST OPTIN", "OPTIN and OPTOUT are not compatible with BCAST"},
    {"OPTIN", "TRACKING ON BCAST OPTIN", kSwitchBroadcast},
    {"BCAST", "TRACKING ON OPTIN", kSwitchBroadcast},
    {"BCAST", "TRACKING ON PREFIX a", "PREFIX option requires BCAST mode to be enabled"},
    {"OPTIN", "TRACKING ON OPTOUT", kSwitchOpt},
    {"OPTOUT", "TRACKING ON OPTIN", kSwitchOpt},
    {"", "TRACKING ON BCAST PREFIX a PREFIX b PREFIX a",
     "Prefix 'a' overlaps with another provided prefix 'a'. Prefixes for a single client must not overlap."},
    {"", "TRACKING ON BCAST PREFIX x PREFIX abc PREFIX a PREFIX xy PREFIX ab",
     "Prefix 'x' overlaps with another provided prefix 'xy'. Prefixes for a single client must not overlap."},
    {"", "TRACKING ON BCAST PREFIX z PREFIX abc PREFIX ac PREFIX a",
     "Prefix 'abc' overlaps with another provided prefix 'a'. Prefixes for a single client must not overlap."},
    {"BCAST", "TRACKING ON BCAST PREFIX a",
     "Prefix 'a' overlaps with an existing prefix ''. Prefixes for a single client must not overlap."},
    {"BCAST PREFIX b PREFIX ab", "TRACKING ON BCAST PREFIX c PREFIX abc",
     "Prefix 'abc' overlaps with an existing prefix 'ab'. Prefixes for a single client must not overlap."},
    {"BCAST PREFIX b PREFIX ab PREFIX ac", "TRACKING ON BCAST PREFIX a",
     "Prefix 'a' overlaps with an existing prefix 'ab'. Prefixes for a single client must not overlap."},
    {"", "CACHING", "wrong number of arguments for 'client|caching' command"},
    {"", "CACHING MAYBE",
     "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"},
    {"OPTIN", "CACHING MAYBE", "syntax error"},
    {"NOLOOP", "CACHING YES", "CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."},
    {"OPTIN", "CACHING NO", "CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."},
};

TEST_F(ClientTracking, WhatCannotBeHadIsRefusedAndChangesNothing) {
  for (const Refused& row : kRefused) {
    SCOPED_TRACE(std::string(row.already) + " / " + row.asked);
    const Ref<Client> client = stage.connect("127.0.0.1:50001");
    if (*row.already != '\0') track(*client, row.already);
    const std::string before = info(*client);
    EXPECT_EQ(stage.run(*client, std::string("CLIENT ") + row.asked), std::string("-ERR ") + row.error + "\r\n");
    EXPECT_EQ(info(*client), before);
  }
}

TEST_F(ClientTracking, InfoTellsWhatIsOn) {
  const Ref<Client> client = stage.connect("127.0.0.1:50001");
  EXPECT_EQ(info(*client), "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n");
  EXPECT_EQ(stage.run(*client, "CLIENT GETREDIR"), ":-1\r\n");
  track(*client, "REDIRECT 1 NOLOOP PREFIX b PREFIX a BCAST");
  EXPECT_EQ(info(*client),
            "*6\r\n$5\r\nflags\r\n*3\r\n$2\r\non\r\n$5\r\nbcast\r\n$6\r\nnoloop\r\n$8\r\nredirect\r\n:1\r\n"
            "$8\r\nprefixes\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(stage.run(*client, "CLIENT GETREDIR"), ":1\r\n");
  stage.run(*client, "HELLO 3");
  stage.run(*client, "CLIENT TRACKING OFF");
  track(*client, "OPTIN");
  stage.run(*client, "CLIENT CACHING YES");
  EXPECT_EQ(info(*client),
            "%3\r\n$5\r\nflags\r\n~3\r\n$2\r\non\r\n$5\r\noptin\r\n$11\r\ncaching-yes\r\n$8\r\nredirect\r\n:0\r\n"
            "$8\r\nprefixes\r\n*0\r\n");
}

TEST_F(ClientTracking, ClientListAndInfoShowIt) {
  const Ref<Client> broad = tracker("BCAST PREFIX a PREFIX b");
  const Ref<Client> plain = tracker("REDIRECT 1");
  read(*plain, "k1 k2");
  EXPECT_THAT(stage.run(*broad, "CLIENT INFO"), HasSubstr(" flags=tB "));
  EXPECT_THAT(stage.run(*broad, "CLIENT INFO"), HasSubstr(" redir=0 "));
  EXPECT_THAT(stage.run(*plain, "CLIENT INFO"), HasSubstr(" flags=t "));
  EXPECT_THAT(stage.run(*plain, "CLIENT INFO"), HasSubstr(" redir=1 "));
  EXPECT_THAT(stage.run("INFO clients"), HasSubstr("\r\ntracking_clients:2\r\n"));
  EXPECT_THAT(stage.run("INFO stats"),
              HasSubstr("\r\ntracking_total_keys:2\r\ntracking_total_items:2\r\ntracking_total_prefixes:2\r\n"));
  go_away(*broad);
  stage.run(*plain, "RESET");
  EXPECT_THAT(stage.run(*plain, "CLIENT INFO"), HasSubstr(" redir=-1 "));
  EXPECT_THAT(stage.run("INFO clients"), HasSubstr("\r\ntracking_clients:0\r\n"));
  EXPECT_THAT(stage.run("INFO stats"), HasSubstr("\r\ntracking_total_prefixes:0\r\n"));
}

// ---- the default mode

TEST_F(ClientTracking, AReaderIsToldOnce) {
  const Ref<Client> reader = tracker();
  read(*reader, "a b");
  change("a");
  change("a");
  EXPECT_EQ(heard(*reader), invalid({"a"}));
  stage.run("DEL b a");
  EXPECT_EQ(heard(*reader), "");  // there was no b
  read(*reader, "a");
  change("a");
  EXPECT_EQ(heard(*reader), invalid({"a"}));
}

TEST_F(ClientTracking, EveryReaderOfTheNameIsTold) {
  const Ref<Client> reader = tracker();
  const Ref<Client> other = tracker();
  stage.run(*other, "SELECT 3");
  read(*reader, "k");
  read(*other, "k");
  change("k");
  EXPECT_EQ(heard(*reader), invalid({"k"}));
  EXPECT_EQ(heard(*other), invalid({"k"}));
}

TEST_F(ClientTracking, OnlyCommandsThatReadKeysCount) {
  const Ref<Client> client = tracker();
  stage.run(*client, "XADD k 1-1 f v");
  stage.run(*client, "KEYS k");
  stage.run(*client, "SSUBSCRIBE k");
  stage.run(*client, "XRANGE k");
  stage.run(*client, "XREAD STREAMS k");
  EXPECT_EQ(stage.server.tracking.key_count(), 0u);
  stage.run(*client, "XRANGE k - nonsense");
  EXPECT_EQ(stage.server.tracking.key_count(), 1u);
}

TEST_F(ClientTracking, AWriterHearsOfItselfBehindItsReply) {
  const Ref<Client> client = tracker();
  read(*client, "k");
  EXPECT_EQ(stage.run(*client, "XADD k 1-1 f v"), "$3\r\n1-1\r\n" + invalid({"k"}));
  read(*client, "k");
  EXPECT_EQ(stage.run(*client, "FLUSHALL"), "+OK\r\n" + kAllInvalid);
  const Ref<Client> quiet = tracker("NOLOOP");
  read(*quiet, "k");
  EXPECT_EQ(stage.run(*quiet, "XADD k 1-1 f v"), "$3\r\n1-1\r\n");
  change("k");
  EXPECT_EQ(heard(*quiet), "");  // its own change took the key out of the table
  EXPECT_EQ(stage.run(*quiet, "FLUSHALL"), "+OK\r\n" + kAllInvalid);
}

// Another core may invalidate as soon as the partition is free.
TEST_F(ClientTracking, AReadersReplyIsOutBeforeTheLocksAreReleased) {
  for (const char* mode : {"", "OPTOUT", "BCAST", "BCAST PREFIX nothing"}) {
    const Ref<Client> client = tracker(mode);
    stage.run(*client, "XLEN k");
    EXPECT_EQ(stage.host.queued, ":0\r\n") << mode;
  }
  const Ref<Client> client = tracker("OPTIN");
  stage.run(*client, "XLEN k");
  EXPECT_EQ(stage.host.queued, "");
}

TEST_F(ClientTracking, MessagesComeWithoutReplies) {
  const Ref<Client> client = tracker();
  stage.run(*client, "CLIENT REPLY OFF");
  EXPECT_EQ(stage.run(*client, "XLEN k"), "");
  EXPECT_EQ(stage.run(*client, "XADD k 1-1 f v"), invalid({"k"}));
}

TEST_F(ClientTracking, AFlushTellsEverybodyAndForgetsEverything) {
  const Ref<Client> reader = tracker();
  const Ref<Client> idle = tracker("OPTIN");
  const Ref<Client> broad = tracker("BCAST PREFIX x");
  read(*reader, "a b");
  stage.run("SELECT 5");
  stage.run("FLUSHDB");
  for (const Ref<Client>& client : {reader, idle, broad}) EXPECT_EQ(heard(*client), kAllInvalid);
  EXPECT_EQ(stage.server.tracking.key_count(), 0u);
  change("a");
  EXPECT_EQ(heard(*reader), "");
}

TEST_F(ClientTracking, AnExpiredKeyIsTold) {
  stage.run("XADD k 1-1 f v");
  stage.run("PEXPIRE k 5");
  const Ref<Client> reader = tracker("NOLOOP");
  const Ref<Client> other = tracker();
  read(*other, "k");
  stage.pass_ms(10);
  // The reader finds it gone, and remembers that.
  EXPECT_EQ(stage.run(*reader, "XLEN k"), ":0\r\n");
  EXPECT_EQ(heard(*other), invalid({"k"}));
  change("k");
  EXPECT_EQ(heard(*reader), invalid({"k"}));
  read(*reader, "k");
  stage.run("PEXPIRE k 5");
  EXPECT_EQ(heard(*reader), invalid({"k"}));
  read(*reader, "k");
  stage.pass_ms(10);
  for (keyspace::PartitionIndex i = 0; i < stage.server.keyspace.partition_count(); ++i) {
    stage.executor.expire(i, stage.now, 100);
  }
  EXPECT_EQ(heard(*reader), invalid({"k"}));
}

TEST_F(ClientTracking, OptInAndOptOutTakeOneExceptionEach) {
  struct Row {
    const char* mode;
    const char* exception;
    bool reads_count;
  };
  for (const Row& row : {Row{"OPTIN", "YES", false}, Row{"OPTOUT", "NO", true}}) {
    const Ref<Client> client = tracker(row.mode);
    const auto is_remembered = [&](const std::string& before) {
      if (!before.empty()) stage.run(*client, before);
      stage.run(*client, "XLEN k");
      change("k");
      return heard(*client) == invalid({"k"});
    };
    const std::string caching = std::string("CLIENT CACHING ") + row.exception;
    EXPECT_EQ(is_remembered(""), row.reads_count);
    EXPECT_EQ(is_remembered(caching), !row.reads_count);
    EXPECT_EQ(is_remembered(""), row.reads_count);
    stage.run(*client, caching);
    EXPECT_EQ(is_remembered("CLIENT ID"), !row.reads_count) << "CLIENT does not end it";
    stage.run(*client, caching);
    EXPECT_EQ(is_remembered("PING"), row.reads_count);
    stage.run(*client, caching);
    EXPECT_EQ(is_remembered("NOSUCH"), row.reads_count);
  }
}

TEST_F(ClientTracking, WhoStoppedTrackingIsPassedOver) {
  const Ref<Client> off = tracker();
  const Ref<Client> other_mode = tracker();
  const Ref<Client> gone = tracker();
  for (const Ref<Client>& client : {off, other_mode, gone}) read(*client, "k");
  stage.run(*off, "CLIENT TRACKING OFF");
  stage.run(*other_mode, "CLIENT TRACKING OFF");
  track(*other_mode, "BCAST PREFIX z");
  go_away(*gone);
  EXPECT_EQ(stage.server.tracking.item_count(), 3u);
  change("k");
  end_turn();
  for (const Ref<Client>& client : {off, other_mode, gone}) EXPECT_EQ(heard(*client), "");
  EXPECT_EQ(stage.server.tracking.item_count(), 0u);
}

TEST_F(ClientTracking, TheTableIsDrainedAfterTheLastTrackerHasStopped) {
  const Ref<Client> client = tracker();
  read(*client, "k");
  stage.run(*client, "CLIENT TRACKING OFF");
  change("k");
  track(*client, "");
  change("k");
  EXPECT_EQ(heard(*client), "");
}

// ---- REDIRECT

class Redirected : public ClientTracking {
 protected:
  Ref<Client> target = stage.connect("127.0.0.1:50002");
  const std::string to_target = "REDIRECT " + std::to_string(target->fixed.id);
};

TEST_F(Redirected, ASubscriberOfResp2GetsAPublishedMessage) {
  const Ref<Client> reader = stage.connect("127.0.0.1:50001");
  track(*reader, to_target);
  read(*reader, "k");
  change("k");
  EXPECT_EQ(heard(*target), "");  // it does not listen to anything
  stage.run(*target, "SUBSCRIBE anything");
  read(*reader, "k");
  change("k");
  EXPECT_EQ(heard(*target), published({"k"}));
  stage.run("FLUSHALL");
  EXPECT_EQ(heard(*target), "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
  EXPECT_EQ(heard(*reader), "");
}

TEST_F(Redirected, AClientOfResp3GetsAPushWhateverItDoes) {
  stage.run(*target, "HELLO 3");
  const Ref<Client> reader = stage.connect("127.0.0.1:50001");
  track(*reader, to_target);
  read(*reader, "k");
  change("k");
  EXPECT_EQ(heard(*target), invalid({"k"}));
  const Ref<Client> broad = tracker("BCAST " + to_target);
  change("k");
  end_turn();
  EXPECT_EQ(heard(*target), invalid({"k"}));
  EXPECT_EQ(heard(*broad), "");
}

TEST_F(Redirected, ATargetThatIsGoneIsReportedEveryTime) {
  const std::string broken = ">2\r\n$21\r\ntracking-redir-broken\r\n:" + std::to_string(target->fixed.id) + "\r\n";
  const Ref<Client> reader = tracker(to_target);
  const Ref<Client> old_reader = stage.connect("127.0.0.1:50003");
  track(*old_reader, to_target);
  go_away(*target);
  EXPECT_EQ(heard(*reader), "");
  for (int i = 0; i < 2; i++) {
    read(*reader, "k");
    read(*old_reader, "k");
    EXPECT_THAT(stage.run(*reader, "CLIENT INFO"), HasSubstr(i == 0 ? " flags=t " : " flags=tR "));
    change("k");
    EXPECT_EQ(heard(*reader), broken);
    EXPECT_EQ(heard(*old_reader), "");
  }
  EXPECT_THAT(info(*reader), HasSubstr("$15\r\nbroken_redirect\r\n"));
  EXPECT_THAT(info(*old_reader), HasSubstr("$15\r\nbroken_redirect\r\n"));
  track(*reader, "");
  EXPECT_THAT(info(*reader), Not(HasSubstr("broken_redirect")));
  read(*reader, "k");
  change("k");
  EXPECT_EQ(heard(*reader), invalid({"k"}));
}

TEST_F(ClientTracking, AClientOfResp2WithoutRedirectGetsNothing) {
  const Ref<Client> client = stage.connect("127.0.0.1:50001");
  track(*client, "");
  read(*client, "k");
  EXPECT_EQ(stage.run(*client, "XADD k 1-1 f v"), "$3\r\n1-1\r\n");
  stage.run("FLUSHALL");
  EXPECT_EQ(heard(*client), "");
}

// ---- BCAST

TEST_F(ClientTracking, ABroadcastTellsOfEachPrefixAtTheEndOfTheTurn) {
  const Ref<Client> two = tracker("BCAST PREFIX b PREFIX a");
  const Ref<Client> all = tracker("BCAST");
  for (const char* key : {"b2", "c", "a", "b1", "b2"}) change(key);
  EXPECT_EQ(heard(*two) + heard(*all), "");
  end_turn();
  EXPECT_EQ(heard(*two), invalid({"a"}) + invalid({"b1", "b2"}));
  EXPECT_EQ(heard(*all), invalid({"a", "b1", "b2", "c"}));
  end_turn();
  EXPECT_EQ(heard(*two) + heard(*all), "");
}

TEST_F(ClientTracking, WithNoLoopKeysThatItChangedLastAreLeftOut) {
  const Ref<Client> client = tracker("BCAST NOLOOP");
  const Ref<Client> loud = tracker("BCAST");
  stage.run(*client, "XADD own 1-1 f v");
  stage.run(*client, "XADD shared 1-1 f v");
  change("shared");
  change("others");
  stage.run(*client, "XADD others 9999999999999-1 f v");
  end_turn();
  EXPECT_EQ(heard(*client), invalid({"shared"}));
  EXPECT_EQ(heard(*loud), invalid({"others", "own", "shared"}));
  stage.run(*client, "XADD own 1-2 f v");
  end_turn();
  EXPECT_EQ(heard(*client), "");
}

TEST_F(ClientTracking, ATurnThatChangesVeryManyKeysTellsOfThemInBetween) {
  const Ref<Client> client = tracker("BCAST");
  for (int i = 0; i < 5000; i++) change("key" + std::to_string(i));
  EXPECT_THAT(heard(*client), HasSubstr("*4096\r\n"));
  end_turn();
  EXPECT_THAT(heard(*client), HasSubstr("*904\r\n"));
}

TEST_F(ClientTracking, WhoLeavesABroadcastHearsNoMore) {
  const Ref<Client> client = tracker("BCAST PREFIX k");
  change("k");
  stage.run(*client, "CLIENT TRACKING OFF");
  end_turn();
  EXPECT_EQ(heard(*client), "");
  EXPECT_FALSE(stage.server.tracking.is_on());
}

// ---- the bound of the table

TEST_F(ClientTracking, BeyondItsLimitTheTableForgetsAndTells) {
  stage.server.settings.tracking_table_max_keys = 10;
  const Ref<Client> client = tracker();
  for (int i = 0; i < 30; i++) read(*client, "key" + std::to_string(i));
  EXPECT_EQ(stage.server.tracking.key_count(), 10u);
  const std::string told = stage.run(*client, "EXISTS key30");
  EXPECT_THAT(told, testing::StartsWith(":0\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n"));
  stage.server.settings.tracking_table_max_keys = 0;
  for (int i = 0; i < 30; i++) read(*client, "more" + std::to_string(i));
  EXPECT_EQ(stage.server.tracking.key_count(), 40u);
  stage.server.settings.tracking_table_max_keys = 3;
  end_turn();
  EXPECT_EQ(stage.server.tracking.key_count(), 3u);
}

// Commands of many keys, one after the other in a turn, do not outgrow the limit.
TEST_F(ClientTracking, ACommandOfManyKeysEvictsAsMany) {
  stage.server.settings.tracking_table_max_keys = 10;
  const Ref<Client> client = tracker();
  for (int command = 0; command < 3; command++) {
    std::string keys;
    for (int i = 0; i < 300; i++) keys += " key" + std::to_string(command) + "," + std::to_string(i);
    stage.run(*client, "EXISTS" + keys);
    EXPECT_EQ(stage.server.tracking.key_count(), 10u);
  }
}

TEST_F(ClientTracking, WhatALowerLimitEvictsGoesLittleByLittle) {
  const Ref<Client> client = tracker();
  std::string keys;
  for (int i = 0; i < 300; i++) keys += " key" + std::to_string(i);
  stage.run(*client, "EXISTS" + keys);
  stage.server.settings.tracking_table_max_keys = 1;
  read(*client, "key0");
  EXPECT_EQ(stage.server.tracking.key_count(), 295u);
  end_turn();
  EXPECT_EQ(stage.server.tracking.key_count(), 195u);
  for (int i = 0; i < 3; i++) end_turn();
  EXPECT_EQ(stage.server.tracking.key_count(), 1u);
}

}  // namespace
}  // namespace millrace::commands
