// The stream commands of the script.
#include <algorithm>
#include <utility>

#include "script_generator.h"

namespace millrace::test {

void ScriptGenerator::append_trim(Words* words) {
  const bool by_length = one_in(2);
  words->push_back(any_case(by_length ? "MAXLEN" : "MINID"));
  const uint64_t how = !by_length && kind_ == ScriptKind::kEverything ? 2 : below(4);
  if (how == 1) words->push_back("=");
  if (how >= 2) words->push_back("~");
  if (one_in(15)) {
    words->push_back(odd_word());
  } else {
    words->push_back(by_length ? std::to_string(below(30)) : id());
  }
  if (one_in(how >= 2 ? 3 : 20)) {
    words->push_back(any_case("LIMIT"));
    words->push_back(one_in(8) ? odd_word() : std::to_string(below(12)));
  }
}

Words ScriptGenerator::xadd() {
  Words words = {any_case("XADD"), key()};
  if (one_in(20)) words.push_back(any_case("NOMKSTREAM"));
  if (kind_ != ScriptKind::kAppendOnly && one_in(6)) append_trim(&words);
  if (one_in(3)) ms_++;
  highest_ms_ = std::max(highest_ms_, ms_);
  if (one_in(800)) ms_ = 1;
  if (one_in(10)) {
    words.push_back(std::to_string(ms_) + "-*");
  } else if (one_in(8)) {
    words.push_back(id());
  } else {
    words.push_back(std::to_string(ms_) + "-" + std::to_string(below(6)));
  }
  const bool has_usual_fields = one_in(2);
  const uint64_t pairs = has_usual_fields ? 2 : below(4);
  for (uint64_t i = 0; i < pairs; i++) {
    words.push_back(has_usual_fields ? "f" + std::to_string(i + 1) : field());
    words.push_back(value());
  }
  return words;
}

Words ScriptGenerator::xadd_with_server_time() {
  const std::string key(kClockKey);
  queue_.push_back({"XADD", key, "*", field(), value()});
  queue_.push_back({"XADD", key, "NOMKSTREAM", "MAXLEN", "1", "*", "f", "v"});
  queue_.push_back({"XLEN", key});
  return {"DEL", key};
}

Words ScriptGenerator::xlen() {
  return {"XLEN", one_in(10) ? "" : key()};
}

Words ScriptGenerator::xrange() {
  const bool is_forward = one_in(2);
  Words words = {any_case(is_forward ? "XRANGE" : "XREVRANGE"), key()};
  words.push_back(range_end(is_forward ? "-" : "+"));
  words.push_back(range_end(is_forward ? "+" : "-"));
  if (one_in(2)) {
    words.push_back(any_case("COUNT"));
    words.push_back(count());
  }
  return words;
}

Words ScriptGenerator::xdel() {
  Words words = {"XDEL", key()};
  for (uint64_t left = 1 + below(4); left > 0; left--) words.push_back(id());
  return words;
}

Words ScriptGenerator::xtrim() {
  Words words = {"XTRIM", key()};
  append_trim(&words);
  return words;
}

// Newer versions refuse an id below the greatest deleted one; so it is above all ids, or in a stream without deletions.
Words ScriptGenerator::xsetid() {
  const bool is_low = one_in(4);
  Words words = {"XSETID", key(), is_low ? id() : std::to_string(++highest_ms_ + 3) + "-" + std::to_string(below(9))};
  if (is_low) {
    queue_.push_back({"DEL", words[1]});
    queue_.push_back({"XADD", words[1], std::to_string(ms_) + "-1", "f", "v"});
  } else {
    ms_ = highest_ms_ + 3;
  }
  if (one_in(2)) {
    words.push_back(any_case("ENTRIESADDED"));
    // Near 2^63 newer versions saturate.
    words.push_back(one_in(8) ? pick({"", "x", "-1", "1.5", "9223372036854775808"}) : std::to_string(below(200)));
  }
  if (one_in(3)) {
    words.push_back(any_case("MAXDELETEDID"));
    words.push_back(id());
  }
  return words;
}

Words ScriptGenerator::xgroup_create() {
  const bool append_only = kind_ == ScriptKind::kAppendOnly;
  Words words = {"XGROUP", any_case("CREATE"), key(), group(), append_only ? pick({"0", "$"}) : pick({"0", "$", id()})};
  if (!one_in(3)) words.push_back(any_case("MKSTREAM"));
  if (!append_only && one_in(6)) {
    words.push_back(any_case("ENTRIESREAD"));
    words.push_back(one_in(5) ? odd_word() : std::to_string(below(20)));
  }
  return words;
}

Words ScriptGenerator::xgroup_setid() {
  Words words = {"XGROUP", any_case("SETID"), key(), group(), pick({"0", "$", id(), "-", "+"})};
  if (one_in(3)) {
    words.push_back(any_case("ENTRIESREAD"));
    words.push_back(one_in(5) ? odd_word() : std::to_string(below(20)));
  }
  return words;
}

Words ScriptGenerator::xgroup_destroy() {
  return {"XGROUP", any_case("DESTROY"), key(), group()};
}

Words ScriptGenerator::xgroup_consumer() {
  return {"XGROUP", any_case(one_in(3) ? "DELCONSUMER" : "CREATECONSUMER"), key(), group(), consumer()};
}

Words ScriptGenerator::xread() {
  Words words = {any_case("XREAD")};
  if (one_in(2)) {
    words.push_back(any_case("COUNT"));
    words.push_back(count());
  }
  if (one_in(10)) {
    words.push_back(any_case("BLOCK"));
    words.push_back(pick({"1", "2", "-1", "x", "1.5"}));
  }
  words.push_back(any_case("STREAMS"));
  const uint64_t streams = 1 + below(3);
  for (uint64_t i = 0; i < streams; i++) words.push_back(key());
  for (uint64_t i = 0; i < streams; i++) words.push_back(one_in(15) ? pick({"$", ">", "-"}) : id());
  return words;
}

Words ScriptGenerator::after_creating_consumer(Words words, const std::string& key, const std::string& group,
                                               const std::string& consumer) {
  queue_.push_back({"XGROUP", "CREATECONSUMER", key, group, consumer});
  return words;
}

Words ScriptGenerator::xreadgroup() {
  const std::string the_group = group();
  const std::string the_consumer = consumer();
  Words words = {"XREADGROUP", "GROUP", the_group, the_consumer};
  if (!one_in(3)) {
    words.push_back(any_case("COUNT"));
    words.push_back(count());
  }
  if (one_in(12)) {
    words.push_back(any_case("BLOCK"));
    words.push_back(pick({"1", "2", "-1", "x"}));
  }
  if (one_in(8)) words.push_back(any_case("NOACK"));
  words.push_back(any_case("STREAMS"));
  const uint64_t streams = one_in(4) ? 2 : 1;
  for (uint64_t i = 0; i < streams; i++) words.push_back(key());
  const size_t first_key = words.size() - streams;
  for (uint64_t i = 0; i < streams; i++) words.push_back(one_in(3) ? (one_in(20) ? "$" : id()) : ">");
  for (uint64_t i = 1; i < streams; i++) {
    queue_.push_back({"XGROUP", "CREATECONSUMER", words[first_key + i], the_group, the_consumer});
  }
  const std::string the_key = words[first_key];
  return after_creating_consumer(std::move(words), the_key, the_group, the_consumer);
}

Words ScriptGenerator::xack() {
  Words words = {"XACK", key(), group()};
  for (uint64_t left = 1 + below(5); left > 0; left--) words.push_back(id());
  return words;
}

Words ScriptGenerator::xpending() {
  Words words = {"XPENDING", key(), group()};
  if (one_in(3)) return words;
  if (one_in(3)) {
    words.push_back(any_case("IDLE"));
    words.push_back(idle());
  }
  words.push_back(range_end("-"));
  words.push_back(range_end("+"));
  words.push_back(count());
  if (one_in(3)) words.push_back(consumer());
  return words;
}

Words ScriptGenerator::xclaim() {
  Words words = {"XCLAIM", key(), group(), consumer(), idle()};
  for (uint64_t left = 1 + below(4); left > 0; left--) words.push_back(id());
  Words options;
  if (one_in(5)) options.insert(options.end(), {any_case("IDLE"), pick({"0", "9000000000", odd_word()})});
  if (one_in(6)) options.insert(options.end(), {any_case("TIME"), pick({"0", "1000", "9000000000000000", odd_word()})});
  if (one_in(5)) options.insert(options.end(), {any_case("RETRYCOUNT"), count()});
  if (one_in(3)) options.push_back(any_case("FORCE"));
  if (one_in(3)) options.push_back(any_case("JUSTID"));
  if (one_in(8) && kind_ != ScriptKind::kAppendOnly) options.insert(options.end(), {any_case("LASTID"), id()});
  words.insert(words.end(), options.begin(), options.end());
  const std::string the_key = words[1];
  const std::string the_group = words[2];
  const std::string the_consumer = words[3];
  return after_creating_consumer(std::move(words), the_key, the_group, the_consumer);
}

Words ScriptGenerator::xautoclaim() {
  Words words = {"XAUTOCLAIM", key(), group(), consumer(), idle(), range_end("-")};
  if (one_in(2)) {
    words.push_back(any_case("COUNT"));
    words.push_back(count());
  }
  if (one_in(3)) words.push_back(any_case("JUSTID"));
  const std::string the_key = words[1];
  const std::string the_group = words[2];
  const std::string the_consumer = words[3];
  return after_creating_consumer(std::move(words), the_key, the_group, the_consumer);
}

Words ScriptGenerator::xinfo() {
  switch (below(5)) {
    case 0:
      return {"XINFO", any_case("STREAM"), key()};
    case 1:
      return {"XINFO", "STREAM", key(), any_case("FULL")};
    case 2:
      return {"XINFO", "STREAM", key(), "FULL", any_case("COUNT"), count()};
    case 3:
      return {"XINFO", any_case("GROUPS"), key()};
    default:
      return {"XINFO", any_case("CONSUMERS"), key(), group()};
  }
}

}  // namespace millrace::test
