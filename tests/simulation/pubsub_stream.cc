// PubsubTraffic: what one client receives must be like. See pubsub_traffic.h.
#include <algorithm>
#include <cctype>
#include <string_view>

#include "simulation/pubsub_traffic.h"

namespace millrace::test {
namespace {

constexpr std::string_view kAllowedToSubscribers[] = {"PING", "RESET", "QUIT"};

// What a command does to the stream of the client that sent it.
enum class Fate {
  kSilent,     // nothing
  kRefused,    // -ERR Can't execute ...: a RESP2 client that listens
  kConfirmed,  // SUBSCRIBE and its kin: never silent
  kReplied,
};

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

bool is_refused(const PubsubSession& session, const Words& words) {
  const auto allowed = std::find(std::begin(kAllowedToSubscribers), std::end(kAllowedToSubscribers), words[0]);
  const bool is_allowed = topic_of(words[0]) || allowed != std::end(kAllowedToSubscribers);
  return session.protocol == 2 && session.subscribed() > 0 && !is_allowed;
}

Fate fate_of(const PubsubSession& session, const Words& words) {
  if (topic_of(words[0])) return Fate::kConfirmed;
  if (words[0] == "RESET") return Fate::kReplied;
  const bool is_silent = session.is_silent || session.skips_next;
  if (is_refused(session, words)) return is_silent ? Fate::kSilent : Fate::kRefused;
  if (words[0] == "CLIENT" && words[1] == "REPLY") return words[2] == "ON" ? Fate::kReplied : Fate::kSilent;
  return is_silent ? Fate::kSilent : Fate::kReplied;
}

std::optional<Topic> topic_of_message(const Reply& value) {
  if ((value.mark != '*' && value.mark != '>') || value.items.empty()) return std::nullopt;
  if (value.items[0].text == "message") return Topic::kChannel;
  if (value.items[0].text == "pmessage") return Topic::kPattern;
  if (value.items[0].text == "smessage") return Topic::kShardChannel;
  return std::nullopt;
}

std::string text_of(const Reply& value) {
  std::string text(1, value.mark);
  text += value.mark == ':' ? std::to_string(value.number) : value.text;
  for (const Reply& item : value.items) text += " " + text_of(item);
  return text;
}

}  // namespace

std::optional<Topic> topic_of(const std::string& command) {
  if (command == "SUBSCRIBE" || command == "UNSUBSCRIBE") return Topic::kChannel;
  if (command == "PSUBSCRIBE" || command == "PUNSUBSCRIBE") return Topic::kPattern;
  if (command == "SSUBSCRIBE" || command == "SUNSUBSCRIBE") return Topic::kShardChannel;
  return std::nullopt;
}

void PubsubTraffic::problem(const PubsubSession& session, const std::string& text) {
  std::string command;
  if (session.answered < session.sent.size()) {
    for (const std::string& word : session.sent[session.answered].words) command += " " + word;
  }
  problems_.push_back("moment " + std::to_string(moment_) + " client " + session.name + ": " + text + " (waits for" +
                      command + ")");
}

void PubsubTraffic::poll() {
  for (const auto& session : sessions_) poll(*session);
  for (const auto& reader : readers_) poll(*reader);
}

void PubsubTraffic::poll(PubsubSession& session) {
  const std::string bytes = session.client.take_received();
  if (bytes.empty()) return;
  history_ += std::to_string(server_.world().now().monotonic_ns) + " " + session.name + " " + bytes + "\n";
  session.received += bytes;
  size_t position = 0;
  for (Reply value;;) {
    const ReplyStatus status = read_reply(session.received, position, value);
    if (status == ReplyStatus::kMalformed) problem(session, "no RESP: " + session.received.substr(position));
    if (status != ReplyStatus::kComplete) break;
    ++moment_;
    take(session, value);
  }
  session.received.erase(0, position);
}

void PubsubTraffic::take(PubsubSession& session, const Reply& value) {
  if (topic_of_message(value)) return take_message(session, value);
  if (session.answered == session.sent.size()) return problem(session, "a reply to nothing: " + text_of(value));
  const PubsubCommand& command = session.sent[session.answered];
  switch (fate_of(session, command.words)) {
    case Fate::kConfirmed:
      return take_confirmation(session, command, value);
    case Fate::kRefused:
      if (!value.is_error("ERR Can't execute '")) problem(session, "not refused: " + text_of(value));
      session.last_replied = session.answered;
      return done(session);
    case Fate::kReplied:
      session.last_replied = session.answered;
      take_reply(session, command, value);
      return done(session);
    case Fate::kSilent:
      return problem(session, "a reply to a command that is silent: " + text_of(value));
  }
}

// The command at the front has had its replies.
void PubsubTraffic::done(PubsubSession& session) {
  ++session.answered;
  session.skips_next = false;
  session.confirmations = 0;
  pass_silent_commands(session);
}

void PubsubTraffic::pass_silent_commands(PubsubSession& session) {
  while (session.answered < session.sent.size()) {
    const PubsubCommand& command = session.sent[session.answered];
    if (fate_of(session, command.words) != Fate::kSilent) return;
    const bool is_executed = !is_refused(session, command.words);
    const bool is_switch = is_executed && command.words[0] == "CLIENT" && command.words[1] == "REPLY";
    session.skips_next = is_switch && command.words[2] == "SKIP" && !session.is_silent;
    if (is_switch && command.words[2] == "OFF") session.is_silent = true;
    if (command.publication) publications_[*command.publication].was_executed = is_executed;
    ++session.answered;
  }
}

// ---- messages

void PubsubTraffic::take_message(PubsubSession& session, const Reply& value) {
  const Topic topic = *topic_of_message(value);
  const std::string text = text_of(value);
  if (value.mark != (session.protocol == 3 ? '>' : '*')) problem(session, "the other protocol's message: " + text);
  if (value.items.size() != (topic == Topic::kPattern ? 4u : 3u)) return problem(session, "malformed: " + text);
  const std::string& name = value.items[1].text;
  const size_t number = std::stoull(value.items.back().text);
  if (number >= publications_.size()) return problem(session, "a message nobody sent: " + text);
  Publication& publication = publications_[number];
  if (value.items[value.items.size() - 2].text != publication.channel || !reaches(publication, topic, name)) {
    problem(session, "the wrong way for a message: " + text);
  }
  if (!session.names[static_cast<size_t>(topic)].contains(name)) problem(session, "does not listen to: " + text);
  if (!session.seen.insert({number, topic, name}).second) problem(session, "for the second time: " + text);
  publication.known = std::min(publication.known, moment_);
  ++publication.received;
  session.receipts.push_back({number, topic, name});
  if (publication.publisher == &session) check_own_message(session, publication);
  if (publication.has_entry) read_entry(number);
}

// It stands right behind the reply of the command that published it.
void PubsubTraffic::check_own_message(const PubsubSession& session, const Publication& publication) {
  if (publication.command >= session.answered) return problem(session, "its own message before its own reply");
  if (publication.counted && session.last_replied != publication.command) {
    problem(session, "its own message behind the reply to a later command");
  }
}

void PubsubTraffic::read_entry(size_t publication) {
  Reader& reader = *readers_[random_.below(readers_.size())];
  reader.asked_for.push_back(publication);
  reader.client.send(format_request({"XREVRANGE", "entry:" + std::to_string(publication), "+", "-"}));
}

void PubsubTraffic::poll(Reader& reader) {
  const std::string bytes = reader.client.take_received();
  if (bytes.empty()) return;
  history_ += std::to_string(server_.world().now().monotonic_ns) + " reader " + bytes + "\n";
  reader.received += bytes;
  size_t position = 0;
  for (Reply value; read_reply(reader.received, position, value) == ReplyStatus::kComplete;) {
    const size_t number = reader.asked_for.front();
    reader.asked_for.pop_front();
    ++figures_.entries_read;
    const bool is_entry = value.items.size() == 1 && value.items[0].items.size() == 2;
    if (!is_entry || value.items[0].items[1].items.back().text != std::to_string(number)) {
      problems_.push_back("the entry of message " + std::to_string(number) + " is not there: " + text_of(value));
    }
  }
  reader.received.erase(0, position);
}

// ---- confirmations

void PubsubTraffic::take_confirmation(PubsubSession& session, const PubsubCommand& command, const Reply& value) {
  const Topic topic = *topic_of(command.words[0]);
  const std::string text = text_of(value);
  const bool is_form = value.mark == (session.protocol == 3 ? '>' : '*') && value.items.size() == 3;
  if (!is_form || value.items[0].text != lower(command.words[0])) return problem(session, "no confirmation: " + text);
  std::set<std::string>& names = session.names[static_cast<size_t>(topic)];
  const bool names_all = command.words.size() == 1;
  if (names_all && session.confirmations == 0) session.leaving = names;
  const Reply& name = value.items[1];
  ++session.confirmations;
  if (names_all) {
    const bool fits = session.leaving.empty() ? name.is_null : session.leaving.erase(name.text) == 1;
    if (!fits) problem(session, "confirmed out of place: " + text);
  } else if (name.text != command.words[session.confirmations]) {
    problem(session, "confirmed out of order: " + text);
  }
  if (!name.is_null) confirm(session, command, topic, name.text);

  const size_t count = topic == Topic::kShardChannel ? names.size() : session.names[0].size() + session.names[1].size();
  if (value.items[2].mark != ':' || value.items[2].number != static_cast<int64_t>(count)) {
    problem(session, "listens to " + std::to_string(count) + ", not as told: " + text);
  }
  const bool is_last = names_all ? session.leaving.empty() : session.confirmations + 1 == command.words.size();
  if (!is_last) return;
  session.last_replied = session.answered;
  done(session);
}

void PubsubTraffic::confirm(PubsubSession& session, const PubsubCommand& command, Topic topic,
                            const std::string& name) {
  std::set<std::string>& names = session.names[static_cast<size_t>(topic)];
  if (command.words[0].find("UNSUB") == std::string::npos) {
    if (names.insert(name).second) session.subscriptions.push_back({topic, name, moment_});
    return;
  }
  if (names.erase(name) == 0) return;
  for (Subscription& subscription : session.subscriptions) {
    const bool is_it = subscription.topic == topic && subscription.name == name && subscription.left == kNever;
    if (is_it) subscription.left = command.sent;
  }
}

void PubsubTraffic::leave_all(PubsubSession& session, int64_t moment) {
  for (auto& names : session.names) names.clear();
  for (Subscription& subscription : session.subscriptions) subscription.left = std::min(subscription.left, moment);
}

// ---- replies

void PubsubTraffic::take_reply(PubsubSession& session, const PubsubCommand& command, const Reply& value) {
  const Words& words = command.words;
  const auto expect = [&](bool is_so) {
    if (!is_so) problem(session, "an unexpected reply: " + text_of(value));
  };
  if (words[0] == "PING") {
    const bool is_listening = session.protocol == 2 && session.subscribed() > 0;
    expect(is_listening ? text_of(value) == "* $pong $" + words[1] : text_of(value) == "$" + words[1]);
  } else if (words[0] == "HELLO") {
    expect(words[1] == "3" ? value.mark == '%' && value.number == 7 : value.mark == '*' && value.number == 14);
    session.protocol = words[1] == "3" ? 3 : 2;
  } else if (words[0] == "RESET") {
    expect(text_of(value) == "+RESET");
    leave_all(session, command.sent);
    session.protocol = 2;
    session.is_silent = false;
  } else if (words[0] == "XADD") {
    expect(value.mark == '$' && !value.is_null);
  } else if (command.publication) {
    expect(value.mark == ':' && value.number >= 0);
    take_publish_reply(command, value);
  } else if (words[1] == "ID") {
    expect(value.mark == ':');
    session.id = std::to_string(value.number);
  } else if (words[1] == "KILL") {
    expect(value.mark == ':');
    take_kill_reply(command, value);
  } else {
    expect(text_of(value) == "+OK");
    session.is_silent = false;
  }
}

void PubsubTraffic::take_publish_reply(const PubsubCommand& command, const Reply& value) {
  Publication& publication = publications_[*command.publication];
  publication.was_executed = true;
  publication.counted = value.number;
  publication.known = std::min(publication.known, moment_);
}

void PubsubTraffic::take_kill_reply(const PubsubCommand& command, const Reply& value) {
  if (value.number == 0) return;
  ++figures_.kills;
  for (const auto& session : sessions_) {
    if (session->id == command.words[3]) session->gone = std::min(session->gone, moment_);
  }
}

}  // namespace millrace::test
