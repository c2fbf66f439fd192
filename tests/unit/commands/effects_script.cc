// See effects_script.h.
#include "unit/commands/effects_script.h"

#include <algorithm>

namespace millrace::tests {

const EffectsScript::Weighted EffectsScript::kMakers[] = {
    {&EffectsScript::add, 40, false},         {&EffectsScript::trim, 4, false},
    {&EffectsScript::erase, 6, false},        {&EffectsScript::erase_under_policy, 3, true},
    {&EffectsScript::acknowledge, 5, false},  {&EffectsScript::acknowledge_and_erase, 3, true},
    {&EffectsScript::give_back, 5, true},     {&EffectsScript::read, 25, false},
    {&EffectsScript::claim, 10, false},       {&EffectsScript::autoclaim, 6, false},
    {&EffectsScript::create_group, 8, false}, {&EffectsScript::set_group, 2, false},
    {&EffectsScript::drop_group, 1, false},   {&EffectsScript::consumer_comes_or_goes, 2, false},
    {&EffectsScript::set_id, 1, false},       {&EffectsScript::configure, 1, true},
    {&EffectsScript::record, 2, true},        {&EffectsScript::expire, 3, false},
    {&EffectsScript::transfer, 2, false},     {&EffectsScript::remove, 1, false},
    {&EffectsScript::look, 4, false},         {&EffectsScript::select, 1, false},
    {&EffectsScript::set_string, 4, false},   {&EffectsScript::edit_string, 12, false},
    {&EffectsScript::take_string, 3, false},
};

std::vector<std::string> EffectsScript::next() {
  uint32_t total = 0;
  for (const Weighted& entry : kMakers) total += entry.weight;
  for (;;) {
    uint64_t ticket = below(total);
    const Weighted* chosen = kMakers;
    while (ticket >= chosen->weight) ticket -= (chosen++)->weight;
    if (!chosen->is_new || !is_old_) return (this->*chosen->maker)();
  }
}

std::string EffectsScript::id() {
  const uint64_t back = std::min(ms_, below(20));
  return std::to_string(ms_ - back) + "-" + number(3);
}

void EffectsScript::append_ids(Words& words, uint64_t at_most) {
  for (uint64_t left = 1 + below(at_most); left > 0; --left) words.push_back(id());
}

void EffectsScript::append_counted_ids(Words& words) {
  Words ids;
  append_ids(ids, 4);
  words.insert(words.end(), {"IDS", std::to_string(ids.size())});
  words.insert(words.end(), ids.begin(), ids.end());
}

void EffectsScript::append_policy(Words& words) {
  if (!is_old_ && !one_in(3)) words.push_back(pick({"KEEPREF", "DELREF", "ACKED"}));
}

void EffectsScript::append_trim(Words& words) {
  append_policy(words);
  const bool by_length = one_in(2);
  const bool approximate = one_in(2);
  words.push_back(by_length ? "MAXLEN" : "MINID");
  if (approximate || one_in(2)) words.push_back(approximate ? "~" : "=");
  words.push_back(by_length ? number(25) : id());
  if (approximate && one_in(2)) words.insert(words.end(), {"LIMIT", number(12)});
}

EffectsScript::Words EffectsScript::add() {
  Words words = {"XADD", key()};
  if (one_in(10)) words.push_back("NOMKSTREAM");
  if (one_in(5)) append_trim(words);
  const bool is_idempotent = !is_old_ && one_in(4);
  if (is_idempotent && one_in(2)) words.insert(words.end(), {"IDMPAUTO", pick({"p", "q"})});
  if (is_idempotent && !words.back().starts_with("p") && !words.back().starts_with("q")) {
    words.insert(words.end(), {"IDMP", pick({"p", "q"}), "i" + number(8)});
  }
  if (one_in(2)) ++ms_;
  if (is_idempotent || one_in(300)) {
    words.push_back("*");
  } else {
    words.push_back(std::to_string(ms_) + (one_in(4) ? "-*" : "-" + number(4)));
  }
  for (uint64_t left = 1 + below(2); left > 0; --left) words.insert(words.end(), {"f" + number(2), "v" + number(3)});
  return words;
}

EffectsScript::Words EffectsScript::trim() {
  Words words = {"XTRIM", key()};
  append_trim(words);
  return words;
}

EffectsScript::Words EffectsScript::erase() {
  Words words = {"XDEL", key()};
  append_ids(words, 4);
  return words;
}

EffectsScript::Words EffectsScript::erase_under_policy() {
  Words words = {"XDELEX", key()};
  append_policy(words);
  append_counted_ids(words);
  return words;
}

EffectsScript::Words EffectsScript::acknowledge() {
  Words words = {"XACK", key(), group()};
  append_ids(words, 5);
  return words;
}

EffectsScript::Words EffectsScript::acknowledge_and_erase() {
  Words words = {"XACKDEL", key(), group()};
  append_policy(words);
  append_counted_ids(words);
  return words;
}

EffectsScript::Words EffectsScript::give_back() {
  Words words = {"XNACK", key(), group(), pick({"SILENT", "FAIL", "FATAL"})};
  append_counted_ids(words);
  if (one_in(4)) words.insert(words.end(), {"RETRYCOUNT", number(5)});
  if (one_in(4)) words.push_back("FORCE");
  return words;
}

EffectsScript::Words EffectsScript::read() {
  Words words = {"XREADGROUP", "GROUP", group(), consumer()};
  if (!one_in(3)) words.insert(words.end(), {"COUNT", number(8)});
  if (!is_old_ && one_in(4)) words.insert(words.end(), {"CLAIM", number(300)});
  if (!is_old_ && one_in(8)) words.insert(words.end(), {"MAXSIZE", number(300)});
  if (one_in(8)) words.push_back("NOACK");
  if (one_in(4)) words.insert(words.end(), {"BLOCK", "0"});
  words.push_back("STREAMS");
  const uint64_t streams = one_in(4) ? 2 : 1;
  for (uint64_t i = 0; i < streams; ++i) words.push_back(key());
  for (uint64_t i = 0; i < streams; ++i) words.push_back(one_in(4) ? id() : ">");
  return words;
}

EffectsScript::Words EffectsScript::claim() {
  Words words = {"XCLAIM", key(), group(), consumer(), one_in(2) ? "0" : number(200)};
  append_ids(words, 6);
  if (one_in(4)) words.insert(words.end(), {one_in(2) ? "IDLE" : "TIME", number(500)});
  if (one_in(4)) words.insert(words.end(), {"RETRYCOUNT", number(6)});
  if (one_in(3)) words.push_back("FORCE");
  if (one_in(3)) words.push_back("JUSTID");
  if (one_in(6)) words.insert(words.end(), {"LASTID", id()});
  return words;
}

EffectsScript::Words EffectsScript::autoclaim() {
  Words words = {"XAUTOCLAIM", key(), group(), consumer(), one_in(2) ? "0" : number(200), one_in(2) ? "-" : id()};
  if (one_in(2)) words.insert(words.end(), {"COUNT", std::to_string(1 + below(6))});
  if (one_in(3)) words.push_back("JUSTID");
  return words;
}

EffectsScript::Words EffectsScript::create_group() {
  Words words = {"XGROUP", "CREATE", key(), group(), pick({"0", "$", id()})};
  if (one_in(2)) words.push_back("MKSTREAM");
  if (one_in(4)) words.insert(words.end(), {"ENTRIESREAD", number(30)});
  return words;
}

EffectsScript::Words EffectsScript::set_group() {
  Words words = {"XGROUP", "SETID", key(), group(), pick({"0", "$", "-", "+", id(), id(), id()})};
  if (one_in(2)) words.insert(words.end(), {"ENTRIESREAD", number(30)});
  return words;
}

EffectsScript::Words EffectsScript::drop_group() {
  return {"XGROUP", "DESTROY", key(), group()};
}

EffectsScript::Words EffectsScript::consumer_comes_or_goes() {
  return {"XGROUP", one_in(2) ? "CREATECONSUMER" : "DELCONSUMER", key(), group(), consumer()};
}

EffectsScript::Words EffectsScript::set_id() {
  ms_ += one_in(2) ? 3 : 0;
  Words words = {"XSETID", key(), one_in(3) ? id() : std::to_string(ms_ + 1) + "-0"};
  if (one_in(2)) words.insert(words.end(), {"ENTRIESADDED", number(200)});
  if (one_in(3)) words.insert(words.end(), {"MAXDELETEDID", id()});
  return words;
}

EffectsScript::Words EffectsScript::configure() {
  Words words = {"XCFGSET", key()};
  if (one_in(2)) words.insert(words.end(), {"IDMP-DURATION", std::to_string(1 + below(3))});
  if (one_in(2) || words.size() == 2) words.insert(words.end(), {"IDMP-MAXSIZE", std::to_string(1 + below(6))});
  return words;
}

EffectsScript::Words EffectsScript::record() {
  return {"XIDMPRECORD", key(), pick({"p", "q"}), "i" + number(8), id()};
}

EffectsScript::Words EffectsScript::expire() {
  switch (below(4)) {
    case 0:
      return {"PERSIST", key()};
    case 1:
      return {"EXPIRE", key(), one_in(6) ? "-1" : number(3), pick({"NX", "XX", "GT", "LT"})};
    case 2:
      return {"PEXPIREAT", key(), one_in(3) ? "1000" : "9000000000000"};
    default:
      return {"PEXPIRE", key(), std::to_string(1 + below(2000))};
  }
}

EffectsScript::Words EffectsScript::transfer() {
  switch (below(5)) {
    case 0:
      return {"RENAME", key(), key()};
    case 1:
      return {"RENAMENX", key(), key()};
    case 2:
      return {"MOVE", key(), number(2)};
    case 3:
      return {"COPY", key(), key(), "DB", number(2), "REPLACE"};
    default:
      return {"COPY", key(), key()};
  }
}

EffectsScript::Words EffectsScript::remove() {
  if (one_in(40)) return {pick({"FLUSHDB", "FLUSHALL"})};
  return {one_in(2) ? "DEL" : "UNLINK", key(), key()};
}

// Mostly at a key of their own: streams are to live for a while.
std::string EffectsScript::string_key() {
  return one_in(15) ? key() : pick({"n", "n", "m"});
}

void EffectsScript::append_time(Words& words) {
  const std::vector<Words> times = {{"EX", std::to_string(1 + below(3))},
                                    {"PX", std::to_string(1 + below(2000))},
                                    {"EXAT", pick({"1", "9000000000"})},
                                    {"PXAT", pick({"1000", "9000000000000"})}};
  const Words& time = times[below(times.size())];
  words.insert(words.end(), time.begin(), time.end());
}

EffectsScript::Words EffectsScript::set_string() {
  const std::string text = pick({"0", "7", "-12", "3.25", "text", std::string(60, 'x'), ""});
  switch (below(6)) {
    case 0:
      return {"SETEX", string_key(), std::to_string(1 + below(3)), text};
    case 1:
      return {"PSETEX", string_key(), std::to_string(1 + below(2000)), text};
    case 2:
      return {one_in(2) ? "MSET" : "MSETNX", string_key(), text, string_key(), "5"};
    case 3:
      return {one_in(2) ? "GETSET" : "SETNX", string_key(), text};
    default: {
      Words words = {"SET", string_key(), text};
      if (one_in(3)) words.push_back(pick({"NX", "XX"}));
      if (one_in(3)) words.push_back("GET");
      if (one_in(3)) {
        append_time(words);
      } else if (one_in(3)) {
        words.push_back("KEEPTTL");
      }
      return words;
    }
  }
}

EffectsScript::Words EffectsScript::edit_string() {
  switch (below(5)) {
    case 0:
      return {one_in(2) ? "INCR" : "DECR", string_key()};
    case 1:
      return {one_in(2) ? "INCRBY" : "DECRBY", string_key(), number(100)};
    case 2:
      return {"INCRBYFLOAT", string_key(), pick({"0.1", "-2.5", "1e3", "3.0"})};
    case 3:
      return {"APPEND", string_key(), pick({"", "1", "tail"})};
    default:
      return {"SETRANGE", string_key(), number(50), pick({"", "3", "middle"})};
  }
}

EffectsScript::Words EffectsScript::take_string() {
  if (one_in(3)) return {"GETDEL", string_key()};
  Words words = {"GETEX", string_key()};
  if (one_in(3)) {
    words.push_back("PERSIST");
  } else if (one_in(2)) {
    append_time(words);
  }
  return words;
}

EffectsScript::Words EffectsScript::look() {
  switch (below(3)) {
    case 0:
      return {"XLEN", key()};
    case 1:
      return {"XREAD", "COUNT", "3", "STREAMS", key(), "0"};
    default:
      return {"TTL", key()};
  }
}

EffectsScript::Words EffectsScript::select() {
  return {"SELECT", number(2)};
}

}  // namespace millrace::tests
