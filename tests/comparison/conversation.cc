// See conversation.h.
#include "conversation.h"

#include <algorithm>
#include <set>

#include "base/letters.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

constexpr size_t kHistoryShown = 20;
constexpr std::string_view kClosed = "the connection was closed";
constexpr std::string_view kRefusedWatch = "-ERR WATCH inside MULTI is not allowed\r\n";

bool is_array(const Reply& reply, std::string_view first_word) {
  const bool is_list = reply.type == '*' || reply.type == '>';
  return is_list && !reply.elements.empty() && reply.elements[0].text == first_word;
}

bool is_message(const Reply& reply) {
  return is_array(reply, "message") || is_array(reply, "pmessage") || is_array(reply, "smessage");
}

bool is_farewell(const Reply& reply) {
  return is_array(reply, "unsubscribe") || is_array(reply, "punsubscribe") || is_array(reply, "sunsubscribe");
}

// The end of the run of pattern messages that begins at `first` and tells of one published message.
size_t end_of_copies(const std::vector<Reply>& replies, size_t first) {
  const auto is_copy = [&](const Reply& other) {
    return is_array(other, "pmessage") && other.elements.size() == 4 &&
           other.elements[2].text == replies[first].elements[2].text &&
           other.elements[3].text == replies[first].elements[3].text;
  };
  size_t end = first;
  while (end < replies.size() && is_copy(replies[end])) end++;
  return end;
}

// The names of such a run in order, the counts as they came: who is next is up to the server, how many are left is not.
void append_farewells(const std::vector<Reply>& replies, size_t first, size_t end, Heard* out) {
  std::multiset<std::string> names;
  std::string counts = replies[first].type + replies[first].elements[0].text + " with counts";
  for (size_t i = first; i < end; i++) {
    names.insert((replies[i].elements[1].is_null ? "null " : "name ") + replies[i].elements[1].text);
    counts += " " + replies[i].elements[2].text;
  }
  out->insert(out->end(), names.begin(), names.end());
  out->push_back(counts);
}

std::string with_sorted_elements(const Reply& list) {
  std::multiset<std::string> names;
  for (const Reply& element : list.elements) names.insert(element.type + element.text);
  std::string out(1, list.type);
  for (const std::string& name : names) out += " " + name;
  return out;
}

std::string readable(const Heard& heard) {
  std::string out;
  for (const std::string& reply : heard) {
    const bool is_reply = reply_size(reply) == reply.size() && reply.size() < 10'000;
    out += is_reply ? readable_reply(reply) : reply.substr(0, 10'000) + "\n";
  }
  return out;
}

// Redis 7.0 sends a RESP3 client that publishes to itself the message before the reply.
Heard with_own_messages_after_replies(const Heard& heard) {
  Heard out;
  Heard waiting;
  const auto end_wait = [&] {
    out.insert(out.end(), waiting.begin(), waiting.end());
    waiting.clear();
  };
  for (const std::string& reply : heard) {
    if (reply[0] == '>' && is_message(parse_reply(reply))) {
      waiting.push_back(reply);
      continue;
    }
    if (reply[0] != ':') end_wait();
    out.push_back(reply);
    end_wait();
  }
  end_wait();
  return out;
}

}  // namespace

const std::array<TalkDivergence, kTalkDivergenceCount> kTalkDivergences = {
    TalkDivergence{.name = "a client's own message before the reply to its PUBLISH",
                   .why = "since 7.2 the reply comes first in RESP3"},
};

size_t Conversation::join(int protocol) {
  const size_t member = join(servers_.connect());
  rejoin(member, protocol);
  return member;
}

size_t Conversation::join(ConnectionPair connection) {
  members_.push_back(Member{.connection = std::move(connection)});
  return members_.size() - 1;
}

void Conversation::rejoin(size_t member, int protocol) {
  if (!members_[member].is_open) members_[member] = Member{.connection = servers_.connect()};
  if (protocol != 2) members_[member].connection.command({"HELLO", std::to_string(protocol)});
}

bool Conversation::say(size_t speaker, const std::vector<Words>& commands) {
  return say_and_lose(speaker, commands, {});
}

bool Conversation::say_bytes(size_t speaker, const std::string& bytes) {
  remember(speaker, {{"(bytes)", bytes}});
  for (RespConnection* server : {&connection(speaker).redis(), &connection(speaker).millrace()}) {
    server->send_raw(bytes);
  }
  return finish(speaker, Step());
}

bool Conversation::say_and_lose(size_t speaker, const std::vector<Words>& commands, const std::vector<size_t>& lost) {
  remember(speaker, commands);
  std::string bytes;
  for (const Words& words : commands) bytes += RespConnection::request(words);
  for (RespConnection* server : {&connection(speaker).redis(), &connection(speaker).millrace()}) {
    server->send_raw(bytes);
  }
  const Step step = look_at(commands);
  for (const size_t member : lost) {
    if (!hear_until_close(member) || !compare(member, member == speaker, step)) return false;
  }
  return finish(speaker, step);
}

// The speaker is heard first: once it has its reply, the others have what it caused in front of their next one.
bool Conversation::finish(size_t speaker, const Step& step) {
  std::vector<size_t> order = {speaker};
  for (size_t i = 0; i < members_.size(); i++) {
    if (i != speaker) order.push_back(i);
  }
  bool is_alike = true;
  for (const size_t member : order) {
    if (!members_[member].is_open) continue;
    if (!hear(member)) return false;
    is_alike = is_alike && compare(member, member == speaker, step);
  }
  steps_++;
  return is_alike;
}

bool Conversation::hear(size_t index) {
  Member& member = members_[index];
  std::string marker = "marker-" + std::to_string(steps_) + "-" + std::to_string(index);
  member.connection.send({member.is_silent ? "UNSUBSCRIBE" : member.is_in_multi ? "WATCH" : "PING", marker});
  marker = member.is_in_multi ? std::string(kRefusedWatch) : "\r\n" + marker + "\r\n";
  if (!read_to_marker(member.connection.redis(), marker, &member.heard_from_redis)) {
    return complain(index, "redis: " + member.connection.redis().error());
  }
  if (!read_to_marker(member.connection.millrace(), marker, &member.heard_from_millrace)) {
    return complain(index, "millrace: " + member.connection.millrace().error());
  }
  return true;
}

bool Conversation::read_to_marker(RespConnection& connection, const std::string& marker, Heard* heard) {
  heard->clear();
  do {
    heard->push_back(connection.read_reply());
    if (heard->back().empty()) return false;
  } while (heard->back().find(marker) == std::string::npos);
  return true;
}

bool Conversation::hear_until_close(size_t index) {
  Member& member = members_[index];
  member.is_open = false;
  for (auto [server, heard] : {std::pair{&member.connection.redis(), &member.heard_from_redis},
                               std::pair{&member.connection.millrace(), &member.heard_from_millrace}}) {
    heard->clear();
    for (std::string reply = server->read_reply(); !reply.empty(); reply = server->read_reply()) {
      heard->push_back(reply);
    }
    if (server->error() != kClosed) return complain(index, "not closed, but " + server->error());
  }
  return true;
}

bool Conversation::compare(size_t index, bool is_speaker, const Step& step) {
  Member& member = members_[index];
  const Heard redis = masked(member.heard_from_redis);
  const Heard millrace = masked(member.heard_from_millrace);
  if (member.is_open) member.heard_from_millrace.pop_back();  // the marker
  if (redis == millrace) return true;
  if (canonical(step, redis) == canonical(step, millrace)) return true;
  if (is_divergence(is_speaker, step, redis, millrace)) return true;
  return complain(index, "redis:\n" + readable(redis) + "millrace:\n" + readable(millrace));
}

bool Conversation::is_divergence(bool is_speaker, const Step& step, const Heard& redis, const Heard& millrace) {
  const auto explains = [&](size_t divergence, const Heard& left, const Heard& right) {
    if (canonical(step, left) != canonical(step, right)) return false;
    hits_[divergence]++;
    return true;
  };
  return is_speaker && step.publishes && explains(kOwnMessageFirst, with_own_messages_after_replies(redis), millrace);
}

Conversation::Step Conversation::look_at(const std::vector<Words>& commands) {
  Step step;
  for (const Words& words : commands) {
    const std::string name = words.empty() ? "" : upper_case(words[0]);
    if (name.ends_with("UNSUBSCRIBE") && words.size() == 1) step.has_open_unsubscribe = true;
    if (name.ends_with("PUBLISH")) step.publishes = true;
    if (name == "PUBSUB" && words.size() > 1 && upper_case(words[1]).ends_with("CHANNELS")) step.lists_names = true;
  }
  return step;
}

Heard Conversation::canonical(const Step& step, const Heard& heard) {
  std::vector<Reply> replies;
  for (const std::string& text : heard) {
    const bool is_masked = reply_size(text) != text.size();
    replies.push_back(is_masked ? Reply() : parse_reply(text));
  }
  Heard out;
  for (size_t i = 0; i < heard.size();) {
    const size_t end_copies = end_of_copies(replies, i);
    if (end_copies > i) {
      out.insert(out.end(), heard.begin() + ptrdiff_t(i), heard.begin() + ptrdiff_t(end_copies));
      std::sort(out.end() - ptrdiff_t(end_copies - i), out.end());
      i = end_copies;
      continue;
    }
    size_t end = i;
    while (step.has_open_unsubscribe && end < heard.size() && is_farewell(replies[end]) &&
           replies[end].elements[0].text == replies[i].elements[0].text) {
      end++;
    }
    if (end > i) {
      append_farewells(replies, i, end, &out);
      i = end;
      continue;
    }
    const bool is_list = step.lists_names && replies[i].type == '*' && !is_message(replies[i]);
    out.push_back(is_list ? with_sorted_elements(replies[i]) : heard[i]);
    i++;
  }
  return out;
}

Heard Conversation::masked(const Heard& heard) const {
  if (!mask_) return heard;
  Heard out;
  for (const std::string& reply : heard) out.push_back(mask_(reply));
  return out;
}

void Conversation::remember(size_t speaker, const std::vector<Words>& commands) {
  for (const Words& words : commands) {
    const std::string name = words.empty() ? "" : upper_case(words[0]);
    if (name == "MULTI" && words.size() == 1) members_[speaker].is_in_multi = true;
    if (name == "EXEC" || name == "RESET" || (name == "DISCARD" && words.size() == 1)) {
      members_[speaker].is_in_multi = false;
    }
    const std::string text = readable_words(words);
    history_.push_back("  " + std::to_string(speaker) + ": " + text.substr(0, 500));
    if (history_.size() > kHistoryShown) history_.pop_front();
  }
}

bool Conversation::complain(size_t member, const std::string& what) {
  problem_ = "What " + std::to_string(member) + " heard in step " + std::to_string(steps_) + " is different.\n" + what +
             "\nThe last that was said:\n";
  for (const std::string& line : history_) problem_ += line + "\n";
  if (!servers_.millrace().is_running()) problem_ += servers_.millrace().log();
  return false;
}

}  // namespace millrace::test
