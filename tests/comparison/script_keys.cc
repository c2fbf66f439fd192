// The commands of the script that are about keys, connections and the server.
#include "script_generator.h"

namespace millrace::test {

Words ScriptGenerator::key_look() {
  Words words = {any_case(pick({"EXISTS", "TOUCH", "TYPE"})), any_key()};
  if (one_in(3)) words.push_back(any_key());
  return words;
}

// Streams live for a few hundred commands, so that they grow beyond one node.
Words ScriptGenerator::key_removal() {
  if (one_in(12)) {
    ms_ = 1;
    return {pick({"FLUSHDB", "FLUSHALL"}), pick({"ASYNC", "SYNC", "NOW"})};
  }
  if (kind_ != ScriptKind::kAppendOnly && one_in(2)) return {"DEL", string_key(), "missing"};
  return {any_case(pick({"DEL", "UNLINK"})), key(), "missing"};
}

Words ScriptGenerator::key_expiry() {
  if (one_in(3)) return {"PERSIST", any_key()};
  const bool is_relative = one_in(2);
  Words words = {is_relative ? pick({"EXPIRE", "PEXPIRE"}) : pick({"EXPIREAT", "PEXPIREAT"}), any_key()};
  if (one_in(5)) {
    words.push_back(
        pick({"-1", "0", "abc", "9223372036854775807", "-9223372036854775808", "9223372036854775", "1.5", ""}));
  } else {
    words.push_back(is_relative ? "500000000" : pick({"9000000000000", "9100000000000", "9200000000000"}));
  }
  // Whether a relative time is later than an equal one depends on the millisecond.
  if (one_in(2)) words.push_back(any_case(is_relative ? pick({"NX", "XX", "YY"}) : pick({"NX", "XX", "GT", "LT"})));
  if (one_in(8)) words.push_back(pick({"NX", "XX"}));
  if (one_in(20)) words.insert(words.end(), {"GT", "LT"});
  return words;
}

Words ScriptGenerator::key_expiry_look() {
  return {pick({"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}), any_key()};
}

// Mostly among keys of one type.
Words ScriptGenerator::key_transfer() {
  if (one_in(20)) return {any_case("SWAPDB"), pick({"0", "1", "2", "x"}), pick({"0", "1", "2", "16", "-1", "x"})};
  const bool is_string = one_in(3);
  const std::string from = is_string ? string_key() : key();
  const std::string to = is_string != one_in(25) ? string_key() : key();
  switch (below(4)) {
    case 0:
      return {any_case("RENAME"), from, to};
    case 1:
      return {any_case("RENAMENX"), from, to};
    case 2:
      return {any_case("MOVE"), any_key(), pick({"0", "1", "2", "16", "-1", "x"})};
    default: {
      Words words = {any_case("COPY"), from, to};
      if (one_in(2)) words.insert(words.end(), {any_case("DB"), pick({"0", "1", "2", "16", "-1", "x"})});
      if (one_in(2)) words.push_back(any_case("REPLACE"));
      return words;
    }
  }
}

Words ScriptGenerator::key_walk() {
  switch (below(4)) {
    case 0:
      return {"KEYS", pick({"*", "s?", "s[12]", "nothing*", "", "\\s1", "[^s]*"})};
    case 1: {
      Words words = {"SCAN", pick({"0", "0", "0", "x", "1.5"}), "COUNT", pick({"1000", "1000", "0", "x"})};
      if (one_in(2)) words.insert(words.end(), {"MATCH", "s*"});
      if (one_in(2)) words.insert(words.end(), {"TYPE", pick({"stream", "string", "STREAM"})});
      return words;
    }
    case 2:
      return {"DBSIZE"};
    default:
      return {"RANDOMKEY"};
  }
}

Words ScriptGenerator::object() {
  return {any_case("OBJECT"), any_case(pick({"ENCODING", "FREQ", "IDLETIME", "NONSENSE"})), any_key()};
}

// Mostly back to database 0, where the streams are.
Words ScriptGenerator::select() {
  queue_.push_back({"SELECT", pick({"1", "2", "16", "-1", "x", "00", "999999999999"})});
  queue_.push_back(xadd());
  return {"SELECT", "0"};
}

Words ScriptGenerator::connection() {
  const std::string protocol = std::to_string(protocol_);
  switch (below(6)) {
    case 0:
      return one_in(2) ? Words{"PING"} : Words{any_case("PING"), value()};
    case 1:
      return {any_case("ECHO"), value()};
    case 2:
      return {"HELLO", protocol};
    case 3:
      return {"HELLO", pick({"1", "4", "x", "-2"})};
    case 4:
      return {"HELLO", protocol, pick({"SETNAME", "AUTH", "NONSENSE"}), pick({"name", "with space", "default"})};
    default:
      queue_.push_back({"RESET"});
      return {"HELLO", protocol};
  }
}

Words ScriptGenerator::client() {
  switch (below(6)) {
    case 0:
      return {any_case("CLIENT"), any_case("SETNAME"), pick({"me", "", "with space", "new\nline", "\xff"})};
    case 1:
      return {"CLIENT", "GETNAME"};
    case 2:
      return {"CLIENT", "ID"};
    case 3:
      return {"CLIENT", "NO-EVICT", pick({"ON", "off", "maybe"})};
    case 4:
      return {"CLIENT", pick({"KILL", "UNBLOCK", "PAUSE", "REPLY", "LIST"}), pick({"x", "", "-1", "1:2"})};
    default:
      return {"CLIENT", pick({"NONSENSE", "TYPE", "SETNAME"})};
  }
}

Words ScriptGenerator::config() {
  const std::string directive = pick({"stream-node-max-entries", "stream-node-max-bytes"});
  switch (below(4)) {
    case 0:
      return {"CONFIG", "GET", directive};
    case 1:
      return {"CONFIG", "SET", "stream-node-max-entries", pick({"3", "10", "1", "0"})};
    case 2:
      return {"CONFIG", "SET", "stream-node-max-bytes", pick({"4096", "200", "1kb", "0"})};
    default:
      return {"CONFIG", any_case("SET"), directive, pick({"-1", "x", "1.5"})};
  }
}

Words ScriptGenerator::command_look() {
  switch (below(3)) {
    case 0:
      return {"COMMAND", "GETKEYS", "XREADGROUP", "GROUP", group(), "c", "STREAMS", key(), key(), "1", "2"};
    case 1:
      return {"COMMAND", "GETKEYS", pick({"XADD", "COPY", "DEL", "PING", "XGROUP", "NONSENSE"}), "a", "b", "c"};
    default:
      return {"COMMAND", pick({"COUNT1", "NONSENSE", "GETKEYS"})};
  }
}

Words ScriptGenerator::unknown() {
  switch (below(3)) {
    case 0:
      return {pick({"NOSUCH", "", "x y", "\xff\r\n", std::string(200, 'N')}), number(), std::string(70, 'v'), key()};
    case 1:
      return {pick({"XGROUP", "XINFO", "OBJECT", "CLIENT", "CONFIG", "COMMAND"}), pick({"NOSUCH", "", "x"}), key()};
    default:
      return {pick({"XADD", "XREAD", "XGROUP", "DEL", "RENAME", "XINFO", "OBJECT", "EXPIRE"})};
  }
}

}  // namespace millrace::test
