// CommandGrammar: requests for every command a server has, made from what COMMAND DOCS says about its arguments.
//
// Most requests obey the documented syntax, with names and ids drawn from small pools so that commands meet on the same
// keys, groups and entries; mutate() then breaks some of them. A new command or option is reached as soon as the
// server's table has it.
//
// Run by one thread of a test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "support/resp_connection.h"

namespace millrace::test {

// A RESP2 reply as a tree.
struct ReplyTree {
  char kind = '$';
  std::string text;  // of all but arrays; empty for null
  std::vector<ReplyTree> items;

  // The value behind a name in a flattened map; nullptr if it is not there.
  const ReplyTree* find(std::string_view name) const;
  int64_t number() const;
};
// REQUIRES: `raw` is a whole RESP2 reply.
ReplyTree read_tree(std::string_view raw);

struct CommandForm {
  Words name;  // "XGROUP" "CREATE"
  std::string full_name;
  bool is_stream = false;
  bool is_string = false;
  bool is_pubsub = false;
  bool is_container = false;
  std::vector<ReplyTree> arguments;
};

class CommandGrammar {
 public:
  // From the replies to COMMAND DOCS.
  explicit CommandGrammar(const ReplyTree& docs);

  const std::vector<CommandForm>& forms() const { return forms_; }
  const CommandForm* find(std::string_view full_name) const;

  // An id that requests may name from now on.
  void remember_id(std::string id);
  // What DUMP returned of some value, for RESTORE.
  void remember_dump(std::string payload) { dump_ = std::move(payload); }

  Words make(const CommandForm& form, Random& random);
  // Breaks one or several arguments; the command's name stays what it is.
  static void mutate(Words& words, size_t name_words, Random& random);
  // Flips, drops, doubles and inserts bytes.
  static void mutate_bytes(std::string& bytes, Random& random);

 private:
  void add(std::string_view name, const ReplyTree& facts, const CommandForm* container);
  void append(const ReplyTree& argument, Words& words, Random& random);
  void append_once(const ReplyTree& argument, Words& words, Random& random);
  std::string value_of(const ReplyTree& argument, Random& random);

  std::string id_text(Random& random) const;

  std::vector<CommandForm> forms_;
  std::vector<std::string> ids_;
  std::string dump_;
  size_t next_id_ = 0;  // the one to be forgotten next
  // Of the request that is being made: keys and ids come in equal numbers, and numids says how many; 0 = not drawn yet.
  uint64_t repeat_ = 0;
  char key_letter_ = 'k';
};

}  // namespace millrace::test
