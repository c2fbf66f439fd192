// Everything a client can say, said to a server with two cores: requests made from COMMAND DOCS, broken requests,
// broken bytes, connections that vanish in the middle, clients that are blocked, killed and paused by one another.
//
// Clients send batches side by side; each batch ends with an ECHO of its own, and everything before that has to be
// RESP. Who does not come to the end of a batch is unblocked, so a hang is a failure. In the end every command has run
// and has succeeded at least once, the streams agree with themselves, and the server ends without a word of the
// sanitizers.
//
// MILLRACE_FUZZ_SEED repeats a run (as far as two cores can be repeated), MILLRACE_FUZZ_COMMANDS sets its length, and
// MILLRACE_TEST_FULL makes it twenty times as long.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <set>

#include "end_to_end/command_grammar.h"
#include "support/server_process.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHangPatience{30'000};
constexpr size_t kClientCount = 8;
constexpr size_t kListenerCount = 2;  // of them
constexpr uint64_t kDefaultCommands = 150'000;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Settings that can shut every client out are only set to values that cannot.
constexpr std::string_view kDelicateSettings[] = {"maxclients", "timeout", "client-query-buffer-limit", "maxmemory",
                                                  "maxmemory-clients"};
// Strings may be so long, and SETRANGE makes them at once.
constexpr std::string_view kStringSizes[] = {"1mb", "1048577", "2mb"};
constexpr std::string_view kHugeValues[] = {"9223372036854775807", "9223372036854775", "100000000000", "2147483647",
                                            "9223372036gb"};
constexpr std::string_view kOutputLimits[] = {"normal 0 0 9223372036854775807",
                                              "normal 9223372036854775807 0 0",
                                              "normal 0 9223372036854775807 9223372037",
                                              "normal 0 0",
                                              "pubsub 1 1 -1",
                                              "normal 0 0 0"};
constexpr std::string_view kNotifications[] = {"KEA", "KEA", "Kx", "Etmn", "", "no such letters"};

struct FuzzClient {
  bool is_listener = false;
  std::unique_ptr<RespConnection> connection = nullptr;
  std::string id = {};
  std::string marker = {};  // of the batch under way; empty: none
};

// What answers with an error whatever it is asked; a name that ends in '|' is for all that begin so.
constexpr std::string_view kCannotWork[] = {
    "shutdown",  "config|rewrite", "object|freq", "acl|load",      "acl|save",    "cluster|",      "readonly",
    "readwrite", "asking",         "failover",    "latency|graph", "module|load", "module|loadex", "module|unload"};

bool cannot_work(std::string_view full_name) {
  return std::any_of(std::begin(kCannotWork), std::end(kCannotWork), [&](std::string_view name) {
    return full_name == name || (name.ends_with('|') && full_name.starts_with(name));
  });
}

// The same requests for every change; the long runs look for new ones.
uint64_t usual_seed() {
  return std::getenv("MILLRACE_TEST_FULL") != nullptr ? std::random_device{}() : 1;
}

class CommandFuzz : public ::testing::Test {
 protected:
  CommandFuzz() : seed_(setting("MILLRACE_FUZZ_SEED", usual_seed())), random_(seed_) {}

  void SetUp() override {
    std::string why;
    ServerOptions options;
    options.cores = 2;
    options.io_backend = seed_ % 2 == 0 ? "auto" : "epoll";
    options.extra = {"--enable-debug-command", "yes"};
    server_ = ServerProcess::start(options, &why);
    ASSERT_TRUE(server_) << why;
    grammar_ = std::make_unique<CommandGrammar>(read_tree(control({"COMMAND", "DOCS"})));
    control({"XADD", "sample", "1-1", "field", "value"});
    grammar_->remember_dump(read_tree(control({"DUMP", "sample"})).text);
    const ReplyTree settings = read_tree(control({"CONFIG", "GET", "*"}));
    for (size_t i = 0; i + 1 < settings.items.size(); i += 2) setting_names_.push_back(settings.items[i].text);
    for (const CommandForm& form : grammar_->forms()) {
      if (form.is_stream) stream_forms_.push_back(&form);
      if (form.is_pubsub) listening_forms_.push_back(&form);
    }
    listening_forms_.push_back(grammar_->find("monitor"));
    ASSERT_FALSE(stream_forms_.empty());
    ASSERT_GT(listening_forms_.size(), 10u);
    for (size_t i = 0; i < kListenerCount; ++i) clients_[i].is_listener = true;
  }

  std::string where() const {
    return "seed " + std::to_string(seed_) + "\n" + (server_ ? server_->log().substr(0, 20'000) : "");
  }

  // From a connection that is used for nothing else; the others may kill it.
  std::string control(const Words& words) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      if (!control_) control_ = RespConnection::connect(server_->port());
      if (!control_) continue;
      control_->set_deadline(kHangPatience);
      std::string reply = control_->command(words);
      if (!reply.empty()) return reply;
      control_.reset();
    }
    return "";
  }

  // ---- requests

  const CommandForm& any_form(bool for_listener = false) {
    if (for_listener && !random_.one_in(4)) return *listening_forms_[random_.below(listening_forms_.size())];
    if (random_.one_in(2)) return *stream_forms_[random_.below(stream_forms_.size())];
    return grammar_->forms()[random_.below(grammar_->forms().size())];
  }

  std::string odd_setting_value() {
    static constexpr std::string_view kValues[] = {"yes", "no",  "0",      "1",     "100", "-1",
                                                   "",    "1gb", "a\r\nb", "7.2.4", "\x01"};
    return std::string(random_.one_in(2) ? kValues[random_.below(std::size(kValues))]
                                         : kHugeValues[random_.below(std::size(kHugeValues))]);
  }

  Words config_set() {
    const std::string& name = setting_names_[random_.below(setting_names_.size())];
    if (name == "client-output-buffer-limit") {
      return {"CONFIG", "SET", name, std::string(kOutputLimits[random_.below(std::size(kOutputLimits))])};
    }
    if (name == "notify-keyspace-events") {
      return {"CONFIG", "SET", name, std::string(kNotifications[random_.below(std::size(kNotifications))])};
    }
    if (name == "proto-max-bulk-len") {
      return {"CONFIG", "SET", name, std::string(kStringSizes[random_.below(std::size(kStringSizes))])};
    }
    if (name == "requirepass") return {"CONFIG", "SET", name, ""};
    const bool delicate =
        std::find(std::begin(kDelicateSettings), std::end(kDelicateSettings), name) != std::end(kDelicateSettings);
    if (!delicate) return {"CONFIG", "SET", name, odd_setting_value()};
    return {"CONFIG", "SET", name, std::string(kHugeValues[random_.below(std::size(kHugeValues))])};
  }

  Words debug() {
    static const Words kRequests[] = {{"DEBUG", "SLEEP", "0.001"},
                                      {"DEBUG", "OBJECT", "k1"},
                                      {"DEBUG", "HELP"},
                                      {"DEBUG", "SET-ACTIVE-EXPIRE", "1"},
                                      {"DEBUG", "SLEEP", "-1"},
                                      {"DEBUG", "SLEEP", "nan"},
                                      {"DEBUG", "SET-ACTIVE-EXPIRE", "99999999999999999999"},
                                      {"DEBUG", "NOTHING", "a\r\nb"},
                                      {"DEBUG", ""}};
    return kRequests[random_.below(std::size(kRequests))];
  }

  std::string name(char letter, uint64_t count) { return letter + std::to_string(random_.below(count)); }

  // What keeps streams, groups, pending entries and messages there for the others to work on.
  Words feeding() {
    const std::string key = name('k', 6);
    switch (random_.below(5)) {
      case 0:
        return {"XGROUP", "CREATE", key, name('g', 3), "0", "MKSTREAM"};
      case 1:
        return {"XREADGROUP", "GROUP", name('g', 3), name('c', 4), "COUNT", "4", "STREAMS", key, ">"};
      case 2:
        return {random_.one_in(4) ? "SPUBLISH" : "PUBLISH", name('h', 3), "message"};
      default:
        return {"XADD", key, random_.one_in(4) ? "5-*" : "*", "field", "value"};
    }
  }

  // Commands that would end or hold up the test, or leave nothing to work on, or have long replies.
  std::optional<Words> make_by_hand(const CommandForm& form) {
    static const std::set<std::string_view> kEmptying = {"flushall", "flushdb",   "client|kill", "quit",
                                                         "del",      "unlink",    "expire",      "pexpire",
                                                         "expireat", "pexpireat", "move",        "xgroup|destroy"};
    static const std::set<std::string_view> kListing = {"command", "command|docs", "command|info"};
    const std::string& command = form.full_name;
    Words words = form.name;
    if (command == "shutdown") return Words{"SHUTDOWN", "ABORT"};
    if (command == "debug") return debug();
    if (command == "config|set") return config_set();
    if (command == "acl|setuser") return acl_setuser();
    if (command == "acl|deluser") return Words{"ACL", "DELUSER", name('u', 3), name('u', 3)};
    if (command == "acl|dryrun") {
      words.emplace_back(random_.one_in(2) ? "default" : name('u', 3));
      const Words inner = grammar_->make(any_form(), random_);
      words.insert(words.end(), inner.begin(), inner.end());
      return words;
    }
    if (command == "config|resetstat") return Words{"CONFIG", "GET", "hz"};  // the counts are looked at in the end
    if (command == "client|pause") {
      words.insert(words.end(), {std::to_string(random_.below(4)), random_.one_in(2) ? "WRITE" : "ALL"});
      return words;
    }
    if (command.starts_with("command|getkeys")) {
      const Words inner = grammar_->make(any_form(), random_);
      words.insert(words.end(), inner.begin(), inner.end());
      return words;
    }
    if (kEmptying.contains(command) && !random_.one_in(10)) return feeding();
    if (!kListing.contains(command) || random_.one_in(50)) return std::nullopt;
    words.push_back(command == "command" ? "COUNT" : any_form().full_name);
    return words;
  }

  // Something for a queue: rarely wrong, so that EXEC has something to execute.
  std::string queued_request() {
    const CommandForm& form = any_form();
    if (random_.one_in(2)) return RespConnection::request(feeding());
    if (const auto by_hand = make_by_hand(form)) return RespConnection::request(*by_hand);
    return RespConnection::request(grammar_->make(form, random_));
  }

  // Rules of users whom nobody is: those of the default user could shut every client out.
  Words acl_setuser() {
    static constexpr std::string_view kRules[] = {
        "on",     "off",     "nopass", ">secret",   "<secret",   "~k*",      "%R~k1",   "%W~k2",
        "&h*",    "allkeys", "+@all",  "-@all",     "+@read",    "-@stream", "+xadd",   "-config",
        "(+xlen", "~k3)",    "reset",  "resetkeys", "+select|0", "nosuch",   "+nosuch", "(%R~k +@read)"};
    Words words = {"ACL", "SETUSER", name('u', 3)};
    for (uint64_t left = random_.below(4); left > 0; --left) {
      words.emplace_back(kRules[random_.below(std::size(kRules))]);
    }
    return words;
  }

  // What is said first, so that a command has a chance, or those that follow it.
  std::string preparation(const CommandForm& form, bool for_listener) {
    std::string bytes;
    if (form.is_pubsub && !for_listener) bytes = RespConnection::request({"HELLO", "3"});
    if (form.full_name == "exec" || form.full_name == "discard") {
      bytes += RespConnection::request({"MULTI"});
      for (uint64_t count = random_.below(6); count > 0; --count) bytes += queued_request();
      return bytes;
    }
    if (form.full_name != "client|caching") return bytes;
    return RespConnection::request({"HELLO", "3"}) + RespConnection::request({"CLIENT", "TRACKING", "OFF"}) +
           RespConnection::request({"CLIENT", "TRACKING", "ON", random_.one_in(2) ? "OPTIN" : "OPTOUT"});
  }

  std::string request(bool for_listener) {
    const CommandForm& form = any_form(for_listener);
    if (random_.one_in(8)) return RespConnection::request(feeding());
    if (const auto by_hand = make_by_hand(form)) return RespConnection::request(*by_hand);
    if (form.full_name == "monitor" && !for_listener) return RespConnection::request({"PING"});
    Words words = grammar_->make(form, random_);
    if (random_.one_in(5)) CommandGrammar::mutate(words, form.name.size(), random_);
    return preparation(form, for_listener) + RespConnection::request(words);
  }

  // Something that need not be a request. "SHUTDOWN" and its like cannot come out of it.
  std::string garbage() {
    static constexpr std::string_view kPieces[] = {"*1\r\n$4\r\nPING\r\n",
                                                   "PING\r\n",
                                                   "*-1\r\n",
                                                   "*0\r\n",
                                                   "\r\n",
                                                   "*3\r\n$4\r\nECHO\r\n",
                                                   "*1048577\r\n",
                                                   "*1\r\n$536870913\r\n",
                                                   "*1\r\n$-1\r\n",
                                                   "*99999999999999999999\r\n",
                                                   "ECHO \"a\\x0",
                                                   "echo 'a' \"b\"c\r\n",
                                                   "*1\r\n:4\r\n",
                                                   "POST / HTTP/1.1\r\n",
                                                   "$5\r\n",
                                                   "*2147483648\r\n",
                                                   "GET k1\r\n",
                                                   std::string_view("\0\r\n", 3)};
    std::string bytes;
    for (uint64_t pieces = 1 + random_.below(3); pieces > 0; --pieces) {
      if (random_.one_in(3)) {
        bytes += kPieces[random_.below(std::size(kPieces))];
        continue;
      }
      std::string piece =
          RespConnection::request(grammar_->make(*stream_forms_[random_.below(stream_forms_.size())], random_));
      CommandGrammar::mutate_bytes(piece, random_);
      bytes += piece;
    }
    return bytes;
  }

  // ---- clients

  bool reconnect(FuzzClient& client) {
    client.connection = RespConnection::connect(server_->port());
    if (!client.connection) return false;
    client.connection->set_deadline(kHangPatience);
    client.id = client.connection->command({"CLIENT", "ID"});
    if (client.id.size() < 4) return client.connection = nullptr, true;  // killed at once: the next round tries again
    client.id = client.id.substr(1, client.id.size() - 3);
    return true;
  }

  void send_batch(FuzzClient& client) {
    std::string bytes;
    const uint64_t count = 1 + random_.below(40);
    for (uint64_t i = 0; i < count; ++i) bytes += request(client.is_listener);
    sent_ += count;
    client.marker = "the end of batch " + std::to_string(++batches_);
    if (client.is_listener) {
      client.connection->send_raw(bytes);
      return;
    }
    const uint64_t fate = random_.below(40);
    if (fate == 0) bytes += garbage();
    bytes += end_of_batch(client);
    if (fate == 1) bytes.resize(random_.below(bytes.size()));
    client.connection->send_raw(bytes);
    if (fate == 0 || fate == 1) client.connection->finish_sending();
    if (fate == 2) client = {};
  }

  static std::string end_of_batch(const FuzzClient& client) {
    return RespConnection::request({"RESET"}) + RespConnection::request({"CLIENT", "REPLY", "ON"}) +
           RespConnection::request({"ECHO", client.marker});
  }

  static bool is_closed(const FuzzClient& client) { return client.connection->error() == "the connection was closed"; }

  // Reads to the end of the batch, or of the connection.
  void finish_batch(FuzzClient& client) {
    const std::string end = "$" + std::to_string(client.marker.size()) + "\r\n" + client.marker + "\r\n";
    const auto give_up = std::chrono::steady_clock::now() + kHangPatience;
    while (true) {
      while (!client.connection->has_reply(milliseconds(3)) && !is_closed(client)) {
        ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "a client hangs; " << where();
        control({"CLIENT", "UNBLOCK", client.id});
      }
      const std::string reply = client.connection->read_reply();
      if (reply == end) break;
      if (!reply.empty()) {
        remember_ids(reply);
        if (is_message(reply)) ++messages_;
        continue;
      }
      ASSERT_TRUE(is_closed(client)) << client.connection->error() << "; " << where();
      client.connection = nullptr;
      return;
    }
    ++finished_;
    client.marker.clear();
  }

  static bool is_message(const std::string& reply) {
    return reply.find("message\r\n") < 20 && (reply[0] == '*' || reply[0] == '>');
  }

  // Ids that the server made are worth asking for.
  void remember_ids(const std::string& reply) {
    if (reply[0] != '$' || reply.size() > 48) return;
    const std::string text = read_tree(reply).text;
    const size_t dash = text.find('-');
    if (dash != std::string::npos && dash > 0 && text.find_first_not_of("0123456789-") == std::string::npos) {
      grammar_->remember_id(text);
    }
  }

  void run_round() {
    for (FuzzClient& client : clients_) {
      if (!client.connection) {
        ASSERT_TRUE(reconnect(client)) << where();
      }
      if (client.connection) send_batch(client);
    }
    // Who listens goes on until the others are done.
    for (auto client = clients_.rbegin(); client != clients_.rend(); ++client) {
      if (!client->connection) continue;
      if (client->is_listener) client->connection->send_raw(end_of_batch(*client));
      finish_batch(*client);
      if (HasFatalFailure()) return;
    }
    ASSERT_TRUE(server_->is_running()) << where();
  }

  // ---- what has to hold afterwards

  ReplyTree ask(const Words& words) { return read_tree(control(words)); }

  // Every row of the table has run, and has worked.
  void expect_all_commands_ran() {
    const std::string statistics = ask({"INFO", "commandstats"}).text;
    for (const CommandForm& form : grammar_->forms()) {
      if (form.is_container || form.full_name == "config|resetstat") continue;
      const size_t line = statistics.find("cmdstat_" + form.full_name + ":");
      ASSERT_NE(line, std::string::npos) << form.full_name << " never ran; "
                                         << "seed " << seed_;
      const uint64_t calls = field(statistics, line, "calls=");
      const uint64_t failed = field(statistics, line, "failed_calls=");
      EXPECT_GT(calls, 0u) << form.full_name;
      EXPECT_TRUE(cannot_work(form.full_name) || calls > failed)
          << form.full_name << " never succeeded; seed " << seed_;
    }
  }

  static uint64_t field(const std::string& text, size_t from, std::string_view name) {
    const size_t at = text.find(name, from);
    return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
  }

  size_t check_streams() {
    size_t streams = 0;
    for (int database = 0; database < 16; ++database) {
      control({"SELECT", std::to_string(database)});
      for (const ReplyTree& key : ask({"KEYS", "*"}).items) {
        check_stream(key.text);
        ++streams;
      }
    }
    control({"SELECT", "0"});
    return streams;
  }

  void check_stream(const std::string& key) {
    const ReplyTree full = ask({"XINFO", "STREAM", key, "FULL", "COUNT", "0"});
    if (full.kind == '-') return;  // expired meanwhile
    const int64_t length = full.find("length")->number();
    EXPECT_EQ(length, ask({"XLEN", key}).number()) << where();
    EXPECT_EQ(length, static_cast<int64_t>(ask({"XRANGE", key, "-", "+"}).items.size())) << where();
    EXPECT_EQ(length, static_cast<int64_t>(ask({"XREVRANGE", key, "+", "-"}).items.size())) << where();
    EXPECT_EQ(length, static_cast<int64_t>(full.find("entries")->items.size())) << where();
    for (const ReplyTree& group : full.find("groups")->items) check_group(key, group);
  }

  void check_group(const std::string& key, const ReplyTree& group) {
    const int64_t pending = group.find("pel-count")->number();
    const std::string& name = group.find("name")->text;
    EXPECT_EQ(pending, static_cast<int64_t>(group.find("pending")->items.size())) << where();
    EXPECT_EQ(pending, ask({"XPENDING", key, name}).items[0].number()) << where();
    std::set<std::string> owned;
    int64_t owned_count = 0;
    for (const ReplyTree& consumer : group.find("consumers")->items) {
      const std::vector<ReplyTree>& entries = consumer.find("pending")->items;
      EXPECT_EQ(consumer.find("pel-count")->number(), static_cast<int64_t>(entries.size())) << where();
      owned_count += static_cast<int64_t>(entries.size());
      for (const ReplyTree& entry : entries) owned.insert(entry.items[0].text);
    }
    EXPECT_EQ(owned.size(), static_cast<size_t>(owned_count)) << "two owners; " << where();
    int64_t unowned = 0;
    for (const ReplyTree& entry : group.find("pending")->items) {
      if (entry.items[1].text.empty() && !owned.contains(entry.items[0].text)) ++unowned;
    }
    EXPECT_EQ(pending, owned_count + unowned) << where();
  }

  void expect_clean_end() {
    control_.reset();
    clients_.clear();
    const ExitStatus status = server_->stop();
    EXPECT_EQ(status.code, 0) << where();
    EXPECT_EQ(status.signal, 0) << where();
    const std::string log = server_->log();
    EXPECT_EQ(log.find("Sanitizer"), std::string::npos) << where();
    EXPECT_EQ(log.find("runtime error"), std::string::npos) << where();
  }

  const uint64_t seed_;
  Random random_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<RespConnection> control_;
  std::unique_ptr<CommandGrammar> grammar_;
  std::vector<const CommandForm*> stream_forms_;
  std::vector<const CommandForm*> listening_forms_;
  std::vector<std::string> setting_names_;
  std::vector<FuzzClient> clients_{kClientCount};
  uint64_t sent_ = 0;
  uint64_t batches_ = 0;
  uint64_t finished_ = 0;
  uint64_t messages_ = 0;
};

TEST_F(CommandFuzz, ServerOutlivesEverythingClientsSay) {
  std::cout << "seed " << seed_ << std::endl;
  const uint64_t factor = std::getenv("MILLRACE_TEST_FULL") == nullptr ? 1 : 20;
  const uint64_t goal = factor * setting("MILLRACE_FUZZ_COMMANDS", kDefaultCommands);
  while (sent_ < goal) {
    run_round();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(finished_, batches_ * 3 / 4) << "too few batches were read to their end; seed " << seed_;
  EXPECT_GT(messages_, finished_ / 10) << "hardly anybody heard a message; seed " << seed_;
  control({"CLIENT", "UNPAUSE"});
  expect_all_commands_ran();
  EXPECT_GT(check_streams(), 0u);
  EXPECT_EQ(ask({"PING"}).text, "PONG");
  expect_clean_end();
}

}  // namespace
}  // namespace millrace::test
