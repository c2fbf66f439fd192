// The commands of the script that are about strings. Now and then they meet a stream, and stream commands a string.
#include "script_generator.h"

namespace millrace::test {

std::string ScriptGenerator::string_key() {
  return one_in(60) ? key() : pick({"n1", "n1", "n2", "n3"});
}

// Of either type.
std::string ScriptGenerator::any_key() {
  return one_in(3) ? string_key() : key();
}

// Far enough away that nothing expires during the run; or nonsense.
void ScriptGenerator::append_expiry(Words* words) {
  const std::string word = pick({"EX", "PX", "EXAT", "PXAT"});
  words->push_back(any_case(word));
  if (one_in(6)) {
    words->push_back(pick({"0", "-1", "abc", "", "1.5", "9223372036854775807", "9223372036854775808"}));
  } else {
    words->push_back(word == "EXAT" ? "9000000000" : word == "PXAT" ? "9000000000000" : "500000000");
  }
}

Words ScriptGenerator::string_set() {
  switch (below(6)) {
    case 0:
      return {any_case(pick({"SETEX", "PSETEX"})), string_key(), pick({"500000000", "500000000", "0", "-1", "x"}),
              value()};
    case 1:
      return {any_case("SETNX"), string_key(), value()};
    case 2: {
      Words words = {any_case(pick({"MSET", "MSETNX"}))};
      for (uint64_t left = 1 + below(3); left > 0; --left) words.insert(words.end(), {string_key(), value()});
      if (one_in(12)) words.pop_back();
      return words;
    }
    default: {
      Words words = {any_case("SET"), string_key(), value()};
      if (one_in(4)) words.push_back(any_case(pick({"NX", "XX"})));
      if (one_in(3)) words.push_back(any_case("GET"));
      if (one_in(3)) append_expiry(&words);
      if (one_in(6)) words.push_back(any_case("KEEPTTL"));
      if (one_in(20)) words.push_back(pick({"NX", "XX", "PERSIST", "EX", "nonsense"}));
      return words;
    }
  }
}

Words ScriptGenerator::string_look() {
  switch (below(5)) {
    case 0:
      return {any_case("STRLEN"), string_key()};
    case 1:
      return {any_case(pick({"GETRANGE", "SUBSTR"})), string_key(), edge(), edge()};
    case 2:
      return {any_case("MGET"), string_key(), any_key(), "missing"};
    default:
      return {any_case("GET"), string_key()};
  }
}

Words ScriptGenerator::string_take() {
  switch (below(4)) {
    case 0:
      return {any_case("GETDEL"), string_key()};
    case 1:
      return {any_case("GETSET"), string_key(), value()};
    default: {
      Words words = {any_case("GETEX"), string_key()};
      if (one_in(3)) words.push_back(any_case("PERSIST"));
      if (one_in(2)) append_expiry(&words);
      if (one_in(12)) words.push_back(pick({"KEEPTTL", "NX", "EX", "PERSIST"}));
      return words;
    }
  }
}

Words ScriptGenerator::string_count() {
  switch (below(4)) {
    case 0:
      return {any_case(pick({"INCR", "DECR"})), string_key()};
    case 1:
      return {any_case("INCRBYFLOAT"), string_key(),
              one_in(3) ? value() : pick({"0.1", "-2.5", "1e3", "5.0e-3", "inf", "nan", "1e400", "0x1p4"})};
    default:
      return {any_case(pick({"INCRBY", "DECRBY"})), string_key(), number()};
  }
}

Words ScriptGenerator::string_edit() {
  if (one_in(2)) return {any_case("APPEND"), string_key(), value()};
  const std::string offset = one_in(8) ? pick({"-1", "x", "536870912", "9223372036854775807"}) : edge();
  return {any_case("SETRANGE"), string_key(), offset, value()};
}

Words ScriptGenerator::string_lcs() {
  Words words = {any_case("LCS"), string_key(), string_key()};
  if (one_in(3)) words.push_back(any_case("LEN"));
  if (one_in(3)) words.push_back(any_case("IDX"));
  if (one_in(4)) words.push_back(any_case("WITHMATCHLEN"));
  if (one_in(4)) words.insert(words.end(), {any_case("MINMATCHLEN"), pick({"0", "2", "-1", "x"})});
  return words;
}

// A place in a string.
std::string ScriptGenerator::edge() {
  if (one_in(12)) return pick({"x", "", "9223372036854775807", "-9223372036854775808", "1.5"});
  return std::to_string(static_cast<int64_t>(below(120)) - 40);
}

}  // namespace millrace::test
